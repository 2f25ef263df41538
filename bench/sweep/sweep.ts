import { readFile } from 'node:fs/promises';
import { startParts } from '../issue/parts.js';
import { compared, inTurns, measured, median, report, type Report } from '../report.js';
import { BrokerDatabase } from './broker-database.js';
import { dropOverdue, makeDeadMount, seedOverdue } from './dead-mount.js';
import { drainByBroker, drainByVault } from './drains.js';

const SIZE = 2_000;
/** Leases that each side ends before anything is measured: V8 compiles what runs often, and a broker runs for days. */
const WARM_UP = 1_000;
const OVERDUE = 10_000;
/** Linux counts processor time in hundredths of a second. */
const TICK_MS = 10;

/**
 * Expired database leases revoked by the sweeper, against Vault alone revoking as many with as much at once; and the
 * same beside a dead target with 10,000 overdue leases. One Vault, one PostgreSQL, one machine, in turns.
 */
export async function benchSweep(
  rounds: number,
  progress: (line: string) => void,
  size = SIZE,
): Promise<Report> {
  const parts = await startParts(progress);
  const database = await BrokerDatabase.open(parts.databaseUrl);
  try {
    const dead = await makeDeadMount(parts);
    const warmUp = Math.min(size, WARM_UP);
    for (const drain of [() => drainByBroker(parts, database, warmUp), () => drainByVault(parts, warmUp)])
      progress(`warming up: ${warmUp} leases, ${told([await drain()])}`);
    const [ours, besideDead, vault, coreMs]: [number[], number[], number[], number[]] = [[], [], [], []];
    for (let round = 0; round < rounds; round += 1) {
      await inTurns(round, [
        async () => vault.push(await drainByVault(parts, size)),
        async () => {
          const before = await usedMs(parts.broker.pid);
          ours.push(await drainByBroker(parts, database, size));
          coreMs.push(((await usedMs(parts.broker.pid)) - before) / size);
        },
        async () => {
          await seedOverdue(database, dead, OVERDUE);
          besideDead.push(await drainByBroker(parts, database, size));
          await dropOverdue(database);
        },
      ]);
      progress(
        `round ${round + 1} of ${rounds}: Vault alone ${told(vault)}, ours ${told(ours)}, beside a dead target ${told(besideDead)}`,
      );
    }
    const line = { metric: 'throughput', unit: '1/s', better: 'higher' } as const;
    return report('sweep', rounds, [
      compared({
        ...line,
        case: `${size} expired database leases`,
        ours: median(ours),
        reference: median(vault),
        limit: 0.9,
      }),
      compared({
        ...line,
        case: `the same beside a dead target with ${OVERDUE} overdue, against without`,
        ours: median(besideDead),
        reference: median(ours),
        limit: 0.95,
      }),
      measured({
        case: 'broker, a lease issued and revoked',
        metric: 'processor time',
        unit: 'ms',
        ours: median(coreMs),
        limit: null,
        better: 'lower',
      }),
    ]);
  } finally {
    await database.close();
    await parts.stop();
  }
}

function told(rates: readonly number[]): string {
  return `${(rates.at(-1) ?? 0).toFixed(0)}/s`;
}

/** Processor time of a process so far, user and system. */
async function usedMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}
