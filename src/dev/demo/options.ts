import { parseArgs } from 'node:util';

/** What `npm run demo --` takes. */
export interface DemoOptions {
  /** One JSON document on standard output, everything else on standard error. */
  readonly json: boolean;
  /** Leave everything up until Ctrl-C. */
  readonly keep: boolean;
  /** Use this Vault or OpenBao, with `VAULT_TOKEN`, instead of starting one. */
  readonly vaultAddress: string | undefined;
  readonly help: boolean;
}

/** The command line is not one that the demonstration takes; exit code 2. */
export class DemoUsageError extends Error {}

export const USAGE = `npm run demo -- [--json] [--keep] [--vault-addr URL]

  --json            print one JSON document on standard output, all else on standard error
  --keep            leave everything up until Ctrl-C, and print curl lines for each API
  --vault-addr URL  use a Vault or OpenBao that already runs, with the token in VAULT_TOKEN;
                    what is made in it has names of its own and is taken away at the end`;

/** Reads the command line; throws {@link DemoUsageError}. */
export function readOptions(words: readonly string[]): DemoOptions {
  let values;
  try {
    values = parseArgs({
      args: [...words],
      options: {
        json: { type: 'boolean', default: false },
        keep: { type: 'boolean', default: false },
        'vault-addr': { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    }).values;
  } catch (error) {
    throw new DemoUsageError(error instanceof Error ? error.message : String(error));
  }
  const vaultAddress = values['vault-addr'];
  if (vaultAddress !== undefined && !/^https?:\/\/[^/]/.test(vaultAddress)) {
    throw new DemoUsageError('--vault-addr is not an http(s) address');
  }
  return {
    json: values.json,
    keep: values.keep,
    vaultAddress: vaultAddress?.replace(/\/+$/, ''),
    help: values.help,
  };
}
