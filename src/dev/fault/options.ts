import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';

/** What `npm run fault --` takes. */
export interface FaultOptions {
  readonly kills: number;
  readonly freezes: number;
  readonly cuts: number;
  readonly seed: number;
  readonly replicas: number;
  readonly workers: number;
  readonly json: boolean;
  readonly help: boolean;
}

/** The command line is not one that the storm takes; exit code 2. */
export class FaultUsageError extends Error {}

export const USAGE = `npm run fault -- [--kills N] [--freezes N] [--cuts N] [--seed S] [--replicas N] [--workers N] [--json]

  Workers lease, renew and give back real credentials from several brokers, while brokers are killed and frozen and
  their connections are cut. Then the target database, Vault, the rows and the log are compared.

  --kills N     brokers that are killed, at a crash point or anywhere (100)
  --freezes N   brokers that stand still past every deadline and go on (0)
  --cuts N      connections to Vault or PostgreSQL that are cut, or answers that are wrong (0)
  --seed S      decides what happens; printed, random unless given
  --replicas N  brokers at the same time, 2 to 8 (5); at least two of them serve while the others start again
  --workers N   workers at the same time, 1 to 64 (6)
  --json        print one JSON document on standard output, all else on standard error

Exit code 1 when a book contradicts another.`;

const NUMBERS = {
  kills: [0, 100_000, 100],
  freezes: [0, 10_000, 0],
  cuts: [0, 100_000, 0],
  seed: [0, 2 ** 32 - 1, undefined],
  replicas: [2, 8, 5],
  workers: [1, 64, 6],
} as const;

/** Reads the command line; throws {@link FaultUsageError}. */
export function readOptions(words: readonly string[]): FaultOptions {
  try {
    const { values } = parseArgs({
      args: [...words],
      options: {
        kills: { type: 'string' },
        freezes: { type: 'string' },
        cuts: { type: 'string' },
        seed: { type: 'string' },
        replicas: { type: 'string' },
        workers: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const number = (name: keyof typeof NUMBERS): number => numberOf(name, values[name]);
    return {
      kills: number('kills'),
      freezes: number('freezes'),
      cuts: number('cuts'),
      seed: number('seed'),
      replicas: number('replicas'),
      workers: number('workers'),
      json: values.json,
      help: values.help,
    };
  } catch (error) {
    throw new FaultUsageError(error instanceof Error ? error.message : String(error));
  }
}

function numberOf(name: keyof typeof NUMBERS, text: string | undefined): number {
  const [least, most, usual] = NUMBERS[name];
  if (text === undefined) return usual ?? randomInt(most);
  const value = Number(text);
  if (!/^\d+$/.test(text) || value < least || value > most)
    throw new FaultUsageError(`--${name} is not a whole number from ${least} to ${most}`);
  return value;
}
