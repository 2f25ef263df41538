import { CommanderError } from 'commander';
import { LeasegateError } from '../sdk/leasegate-error.js';
import { CliError } from './cli-error.js';
import { EXIT } from './exit-code.js';
import { dependencyOf, nextStepOf } from './next-step.js';

/** A failure as it is printed: for people on standard error, with `--json` also as the document on standard output. */
export interface Failure {
  readonly exitCode: number;
  readonly code: string;
  readonly detail: string;
  readonly status?: number;
  readonly reference?: string;
  /** Of a renewal that was refused: when the credential stops working; null when it is dead or being ended. */
  readonly usableUntil?: string | null;
  readonly field?: string;
  readonly errors?: readonly { readonly field: string; readonly message: string }[];
  /** Which dependency is missing. */
  readonly dependency?: string;
  readonly next?: string;
}

const SYSTEM_ERRORS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be accessed',
  EISDIR: 'is a directory',
  EEXIST: 'exists already',
};

/** Says what went wrong; anything unforeseen is `internal_error` with its message, without a stack. */
export function failureOf(error: unknown): Failure {
  if (error instanceof LeasegateError) return brokerFailure(error);
  if (error instanceof CliError) {
    return compact({ exitCode: error.exitCode, code: error.code, detail: error.message, next: error.next });
  }
  if (error instanceof CommanderError) {
    return { exitCode: EXIT.usage, code: 'usage', detail: error.message.replace(/^error: /, '') };
  }
  if (error instanceof Error && error.name === 'SettingsError') {
    return compact({
      exitCode: EXIT.usage,
      code: 'settings_invalid',
      detail: error.message,
      next: nextStepOf('settings_invalid'),
    });
  }
  if (error instanceof Error && error.name === 'AbortError') {
    return { exitCode: EXIT.failed, code: 'aborted', detail: 'Stopped before it was done.' };
  }
  return unforeseen(error);
}

function brokerFailure(error: LeasegateError): Failure {
  const dependency = dependencyOf(error.code) ?? (error.status === 503 ? 'broker' : undefined);
  return compact({
    exitCode: dependency === undefined ? EXIT.failed : EXIT.dependency,
    code: error.code,
    detail: error.detail,
    status: error.status === 0 ? undefined : error.status,
    reference: error.reference,
    usableUntil: error.usableUntil === null ? null : error.usableUntil?.toISOString(),
    field: error.field,
    errors: error.errors.length === 0 ? undefined : error.errors,
    dependency,
    next: nextStepOf(error.code),
  });
}

function unforeseen(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') {
    // Errors of the broker's own classes when it runs in this process, and of the system.
    const path = 'path' in error && typeof error.path === 'string' ? error.path : undefined;
    const known = SYSTEM_ERRORS[error.code];
    if (path !== undefined && known !== undefined) {
      return { exitCode: EXIT.usage, code: 'file_unusable', detail: `${path} ${known}.` };
    }
    const dependency =
      dependencyOf(error.code) ??
      (/^(ECONN|ENOTFOUND|EAI_|ETIMEDOUT)/.test(error.code) ? 'network' : undefined);
    return compact({
      exitCode: dependency === undefined ? EXIT.failed : EXIT.dependency,
      code: error.code,
      detail: 'detail' in error && typeof error.detail === 'string' ? error.detail : message || error.code,
      dependency,
      // The others are about talking to a broker, and this is one.
      next: dependency === undefined ? undefined : nextStepOf(error.code),
    });
  }
  return { exitCode: EXIT.failed, code: 'internal_error', detail: message };
}

type Loose<T> = { [K in keyof T]: T[K] | undefined };

function compact(failure: Loose<Failure> & Pick<Failure, 'exitCode' | 'code' | 'detail'>): Failure {
  return Object.fromEntries(
    Object.entries(failure).filter(([, value]) => value !== undefined),
  ) as unknown as Failure;
}

/** The lines that people read. */
export function failureLines(failure: Failure): string[] {
  return [
    `${failure.code}: ${failure.detail}`,
    ...(failure.field === undefined ? [] : [`field: ${failure.field}`]),
    ...(failure.errors ?? []).map(({ field, message }) => `  ${field}: ${message}`),
    ...(failure.dependency === undefined ? [] : [`missing: ${failure.dependency}`]),
    ...(failure.usableUntil === undefined
      ? []
      : [`works until: ${failure.usableUntil ?? 'it works no more'}`]),
    ...(failure.reference === undefined ? [] : [`reference: ${failure.reference}`]),
    ...(failure.next === undefined ? [] : [`next: ${failure.next}`]),
  ];
}
