import { parseArgs } from 'node:util';
import { benchAudit } from './audit/audit.js';
import { benchGateway } from './gateway/gateway.js';
import { benchIssue } from './issue/issue.js';
import { benchRevoke } from './revoke/revoke.js';
import { benchScale } from './scale/scale.js';
import { benchStart } from './start/start.js';
import { benchSweep } from './sweep/sweep.js';
import { table, type Report } from './report.js';

const BENCHES: Readonly<
  Record<string, (rounds: number, progress: (line: string) => void, size?: number) => Promise<Report>>
> = {
  audit: benchAudit,
  gateway: benchGateway,
  issue: benchIssue,
  revoke: benchRevoke,
  scale: benchScale,
  start: benchStart,
  sweep: benchSweep,
};

const USAGE = `Usage: npm run bench -- NAME [--json] [--rounds N] [--size N]

  audit   the log under 10,000 events/s, its exports against COPY, verifying it, and who held what
  gateway a call through the gateway, against the provider itself and a peer that forwards
  issue   a lease, against Vault alone: JWT login and read
  revoke  a run with 100 live database leases closed, against Vault's own revoke-prefix
  scale   a lease beside 100,000 live ones, against a lease in an empty table
  start   the command line and the second start of the demo
  sweep   expired database leases revoked by the sweeper, against Vault alone revoking as many

Ours and the reference alternate in one run; medians of N rounds (3 or more; 3 unless told).
--size is the number of entries that audit reads (300,000), and of leases of one round of revoke (100), scale (100,000) and sweep (2,000).
Exit code 1 when a limit does not hold, 2 for wrong usage.
`;

/** Runs one benchmark and prints its table, or its JSON; answers the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  let name: string | undefined;
  let json = false;
  let rounds = 3;
  let size: number | undefined;
  try {
    const { values, positionals } = parseArgs({
      args: [...argv],
      allowPositionals: true,
      options: {
        json: { type: 'boolean' },
        rounds: { type: 'string' },
        size: { type: 'string' },
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
    size = values.size === undefined ? undefined : Number(values.size);
  } catch {
    name = undefined;
  }
  const bench = name === undefined ? undefined : BENCHES[name];
  const counts = [rounds, size ?? 1];
  if (bench === undefined || !counts.every(Number.isInteger) || rounds < 3 || counts.some((n) => n < 1)) {
    process.stderr.write(USAGE);
    return 2;
  }
  const result = await bench(rounds, (line) => process.stderr.write(`${line}\n`), size);
  process.stdout.write(`${json ? JSON.stringify(result) : table(result)}\n`);
  return result.rows.every((row) => row.holds) ? 0 : 1;
}
