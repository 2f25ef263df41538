import { parseArgs } from 'node:util';
import { benchGateway } from './gateway/gateway.js';
import { benchIssue } from './issue/issue.js';
import { benchStart } from './start/start.js';
import { table, type Report } from './report.js';

const BENCHES: Readonly<
  Record<string, (rounds: number, progress: (line: string) => void) => Promise<Report>>
> = {
  gateway: benchGateway,
  issue: benchIssue,
  start: benchStart,
};

const USAGE = `Usage: npm run bench -- NAME [--json] [--rounds N]

  gateway a call through the gateway, against the provider itself and a peer that forwards
  issue   a lease, against Vault alone: JWT login and read
  start   the command line and the second start of the demo

Ours and the reference alternate in one run; medians of N rounds (3 or more; 3 unless told).
Exit code 1 when a limit does not hold, 2 for wrong usage.
`;

/** Runs one benchmark and prints its table, or its JSON; answers the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  let name: string | undefined;
  let json = false;
  let rounds = 3;
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        json: { type: 'boolean' },
        rounds: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
    if (values.help === true) {
      process.stdout.write(USAGE);
      return 0;
    }
    [name] = positionals;
    json = values.json === true;
    rounds = Number(values.rounds ?? 3);
  } catch {
    name = undefined;
  }
  const bench = name === undefined ? undefined : BENCHES[name];
  if (bench === undefined || !Number.isInteger(rounds) || rounds < 3) {
    process.stderr.write(USAGE);
    return 2;
  }
  const result = await bench(rounds, (line) => process.stderr.write(`${line}\n`));
  process.stdout.write(`${json ? JSON.stringify(result) : table(result)}\n`);
  return result.rows.every((row) => row.holds) ? 0 : 1;
}
