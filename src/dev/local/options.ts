import { parseArgs } from 'node:util';

/** One field of a credential, and the variable that holds its value. Values never stand on a command line. */
export interface SecretSource {
  readonly credential: string;
  readonly field: string;
  readonly variable: string;
}

/** What `npm run local --` takes. */
export interface LocalOptions {
  readonly toolsFolder: string;
  readonly secrets: readonly SecretSource[];
  /** `mcp`: a Model Context Protocol server on standard input and output; else a command, or nothing: stay up. */
  readonly mcp: boolean;
  readonly command: readonly string[];
  readonly help: boolean;
}

/** The command line is not one that local mode takes; exit code 2. */
export class LocalUsageError extends Error {}

export const USAGE = `npm run local -- [--tools FOLDER] [--secret CREDENTIAL.FIELD=VARIABLE]… [mcp | -- COMMAND…]

A broker for one developer: Vault, database, issuer and broker on this machine, for as long as it runs, with
a grant for every tool of a folder. Nothing is kept.

  --tools FOLDER   tools as files (default: config/tools)
  --secret C.F=V   field F of credential C has the value of the environment variable V; may be given often
  mcp              serve the tools over the Model Context Protocol on standard input and output
  -- COMMAND…      run a command that finds the broker (LEASEGATE_URL, LEASEGATE_OIDC_TOKEN, run and step)
                   without either, it stays up and prints what to export`;

const SECRET = /^([a-z][a-z0-9-]{0,62})\.([A-Za-z0-9_.-]{1,64})=([A-Za-z_][A-Za-z0-9_]*)$/;

/** Reads the command line; throws {@link LocalUsageError}. */
export function readOptions(words: readonly string[]): LocalOptions {
  const end = words.indexOf('--');
  const own = end === -1 ? words : words.slice(0, end);
  const command = end === -1 ? [] : words.slice(end + 1);
  let parsed;
  try {
    parsed = parseArgs({
      args: [...own],
      allowPositionals: true,
      options: {
        tools: { type: 'string', default: 'config/tools' },
        secret: { type: 'string', multiple: true, default: [] },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new LocalUsageError(error instanceof Error ? error.message : String(error));
  }
  const { values, positionals } = parsed;
  const [mode, ...rest] = positionals;
  if (rest.length > 0 || (mode !== undefined && mode !== 'mcp')) {
    throw new LocalUsageError(`there is no mode ${positionals.join(' ')}; a command stands after --`);
  }
  if (mode === 'mcp' && end !== -1) throw new LocalUsageError('mcp and a command exclude each other');
  if (end !== -1 && command.length === 0) throw new LocalUsageError('there is no command after --');
  return {
    toolsFolder: values.tools,
    secrets: values.secret.map(secretOf),
    mcp: mode === 'mcp',
    command,
    help: values.help,
  };
}

function secretOf(text: string): SecretSource {
  const [, credential, field, variable] = SECRET.exec(text) ?? [];
  if (credential === undefined || field === undefined || variable === undefined) {
    // The text is not repeated: it may be a secret that somebody put where the variable's name belongs.
    throw new LocalUsageError(
      '--secret takes CREDENTIAL.FIELD=VARIABLE, the name of a variable and not its value',
    );
  }
  return { credential, field, variable };
}
