import { execFile, type ExecFileException } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { LeasegateError } from './leasegate-error.js';

/** Where the platform's OIDC token comes from; asked anew for every exchange. */
export type TokenSource = (signal?: AbortSignal) => Promise<string>;

type Environment = Readonly<Record<string, string | undefined>>;

const LONGEST_TOKEN_BYTES = 64 * 1024;
const LONGEST_COMMAND_MS = 30_000;

/** A token in an environment variable. Fits jobs that are shorter than the token lives. */
export function environmentToken(
  name = 'LEASEGATE_OIDC_TOKEN',
  environment: Environment = process.env,
): TokenSource {
  return async () => present(environment[name], `the environment variable ${name}`);
}

/** A token in a file that the platform rotates (Kubernetes projected tokens, SPIFFE helpers); read at every exchange. */
export function fileToken(path: string): TokenSource {
  return async (signal) => {
    try {
      return present(
        await readFile(path, { encoding: 'utf8', ...(signal && { signal }) }),
        `the file ${path}`,
      );
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof LeasegateError) throw error;
      throw failed(`The token file ${path} cannot be read (${systemCode(error)}).`, error);
    }
  };
}

/**
 * A token that a command prints on standard output, run by the system's shell for every exchange: for platforms whose
 * tokens are short and asked for by a tool of theirs. What the command prints is never repeated in an error. Fails with
 * `identity_source_failed` when it exits with anything but 0 or takes longer than 30 seconds.
 */
export function commandToken(command: string, environment: Environment = process.env): TokenSource {
  return (signal) =>
    new Promise((resolve, reject) => {
      const options = {
        shell: true,
        env: { ...environment },
        timeout: LONGEST_COMMAND_MS,
        maxBuffer: LONGEST_TOKEN_BYTES,
        ...(signal && { signal }),
      };
      execFile(command, options, (error, stdout) => {
        if (signal?.aborted === true) reject(signal.reason as Error);
        // Not the error itself: it carries what the command printed.
        else if (error !== null) reject(failed(`The command for the token failed (${commandEnd(error)}).`));
        else resolve(stdout);
      });
    }).then((stdout) => present(stdout as string, "the command's output"));
}

/**
 * A token that GitHub Actions mints on request; needs `permissions: id-token: write`.
 * https://docs.github.com/actions/security-for-github-actions/security-hardening-your-deployments
 */
export function githubActionsToken(audience: string, environment: Environment = process.env): TokenSource {
  return async (signal) => {
    const address = present(environment['ACTIONS_ID_TOKEN_REQUEST_URL'], 'ACTIONS_ID_TOKEN_REQUEST_URL');
    const bearer = present(environment['ACTIONS_ID_TOKEN_REQUEST_TOKEN'], 'ACTIONS_ID_TOKEN_REQUEST_TOKEN');
    const url = new URL(address);
    url.searchParams.set('audience', audience);
    const limit = AbortSignal.timeout(10_000);
    let body: unknown;
    try {
      const response = await fetch(url, {
        headers: { authorization: `Bearer ${bearer}`, accept: 'application/json' },
        redirect: 'error',
        signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      });
      if (!response.ok) throw failed(`GitHub answered ${response.status} to the request for a token.`);
      body = await response.json();
    } catch (error) {
      signal?.throwIfAborted();
      if (error instanceof LeasegateError) throw error;
      throw failed('GitHub did not answer the request for a token.', error);
    }
    const value = typeof body === 'object' && body !== null && 'value' in body ? body.value : undefined;
    return present(typeof value === 'string' ? value : undefined, "GitHub's answer");
  };
}

/**
 * The source that this environment offers: `LEASEGATE_OIDC_TOKEN`, then `LEASEGATE_OIDC_TOKEN_FILE`, then
 * `LEASEGATE_OIDC_TOKEN_COMMAND`, then GitHub Actions with the broker's URL (or `LEASEGATE_OIDC_AUDIENCE`) as audience;
 * `undefined` when it offers none.
 */
export function platformTokenSource(
  brokerUrl: string,
  environment: Environment = process.env,
): TokenSource | undefined {
  if (environment['LEASEGATE_OIDC_TOKEN']) return environmentToken('LEASEGATE_OIDC_TOKEN', environment);
  const file = environment['LEASEGATE_OIDC_TOKEN_FILE'];
  if (file) return fileToken(file);
  const command = environment['LEASEGATE_OIDC_TOKEN_COMMAND'];
  if (command) return commandToken(command, environment);
  if (environment['ACTIONS_ID_TOKEN_REQUEST_URL']) {
    return githubActionsToken(environment['LEASEGATE_OIDC_AUDIENCE'] || brokerUrl, environment);
  }
  return undefined;
}

function present(token: string | undefined, where: string): string {
  const text = token?.trim() ?? '';
  if (text === '') {
    throw new LeasegateError({
      code: 'identity_missing',
      status: 0,
      detail: `There is no token in ${where}.`,
    });
  }
  if (text.length > LONGEST_TOKEN_BYTES || /\s/.test(text)) {
    throw failed(`What is in ${where} is not a token.`);
  }
  return text;
}

function failed(detail: string, cause?: unknown): LeasegateError {
  return new LeasegateError({ code: 'identity_source_failed', status: 0, detail, cause });
}

function commandEnd(error: ExecFileException): string {
  if (error.killed === true) return `ended after ${LONGEST_COMMAND_MS / 1000} seconds`;
  return error.signal ? `ended by ${error.signal}` : `exit code ${error.code ?? 'unknown'}`;
}

function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
}
