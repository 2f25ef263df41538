import { readFile } from 'node:fs/promises';
import type pg from 'pg';

/** Linux counts the time of processes in hundredths of a second, whatever the kernel's own clock. */
const TICK_MS = 10;

/** Core-milliseconds that were spent until a moment, by who spent them. */
export type CoreTimes = ReadonlyMap<string, number>;

/** Who is looked at. */
export interface Watched {
  /** A connection to the server; those of this pool have to say `bench` as their application. */
  readonly pool: pg.Pool;
  readonly brokerPid: number;
}

/**
 * The time of the load generator (this process), the broker, and each kind of PostgreSQL's processes: connections by their
 * application, the others by what they are. What a process spent that has ended in between is missing. Linux only;
 * nothing elsewhere.
 */
export async function coreTimes({ pool, brokerPid }: Watched): Promise<CoreTimes> {
  const times = new Map<string, number>();
  const add = (who: string, ms: number): void => void times.set(who, (times.get(who) ?? 0) + ms);
  if (process.platform !== 'linux') return times;
  const { user, system } = process.cpuUsage();
  add('load generator', (user + system) / 1_000);
  add('broker', (await statOf(brokerPid))?.ms ?? 0);
  const { rows } = await pool.query<{ pid: number; type: string; application: string }>(
    'SELECT pid, backend_type AS type, application_name AS application FROM pg_stat_activity',
  );
  for (const { pid, type, application } of rows) {
    const stat = await statOf(pid);
    if (stat !== undefined) add(type === 'client backend' ? `PostgreSQL for ${application}` : type, stat.ms);
  }
  return times;
}

/** What was spent between two moments for each of so many events, in core-microseconds, the most first. */
export function coreMicros(
  before: CoreTimes,
  after: CoreTimes,
  events: number,
): [who: string, micros: number][] {
  return [...after]
    .map(([who, ms]): [string, number] => [who, ((ms - (before.get(who) ?? 0)) * 1_000) / events])
    .filter(([, micros]) => micros >= 0.1)
    .sort(([, one], [, other]) => other - one);
}

async function statOf(pid: number): Promise<{ readonly ms: number } | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name in parentheses may contain anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { ms: (Number(fields[11]) + Number(fields[12])) * TICK_MS };
  } catch {
    return undefined;
  }
}
