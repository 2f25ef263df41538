import { burst, type Burst } from '../load.js';
import { compared, measured, median, quantile, report, type Report, type Row } from '../report.js';
import { residentMiB, type BrokerParts } from '../broker-parts.js';
import { barePath, startBareBroker } from './bare-path.js';
import { startParts } from './parts.js';
import { directPath, ENGINES, leasePath, type CredentialPath, type Engine } from './paths.js';

const WORKERS = [1, 8, 32] as const;
/** Operations of each side before anything is measured: V8 compiles what runs often, and a broker runs for days. */
const WARM_UP = 4_000;
/** Operations of one burst. PostgreSQL makes the users of the first engine, at some 200 a second. */
const OPERATIONS: Readonly<Record<Engine, Readonly<Record<(typeof WORKERS)[number], number>>>> = {
  database: { 1: 200, 8: 400, 32: 400 },
  kv: { 1: 400, 8: 1_500, 32: 1_500 },
  pki: { 1: 300, 8: 800, 32: 800 },
};

interface Side {
  readonly name: string;
  readonly path: CredentialPath;
  readonly bursts: Burst[];
}

/**
 * Leasing a credential by us, against a JWT login and a read of the same credential by Vault alone: same Vault, same
 * PostgreSQL, same machine, bursts alternating, after a warm-up of each. Beside them a program that does the six steps
 * of a lease and nothing else shows what the protocol itself costs on this machine.
 */
export async function benchIssue(rounds: number, progress: (line: string) => void): Promise<Report> {
  const parts = await startParts(progress);
  try {
    const rows: Row[] = [];
    let peakMiB = 0;
    const bareUrl = await startBareBroker(parts);
    progress(`warming up: ${WARM_UP} leases`);
    for (const { path } of sidesOf(parts, bareUrl, 8)) {
      await path.begin();
      await burst(8, WARM_UP, () => path.fetch('kv'));
      await path.end();
      await path.close();
    }
    for (const engine of ENGINES) {
      for (const workers of WORKERS) {
        const sides = sidesOf(parts, bareUrl, workers);
        for (const { path } of sides) await cleanBurst(path, engine, workers, 40);
        for (let round = 0; round < rounds; round += 1) {
          // Each side goes first in turn.
          const order = sides
            .map((_, index) => sides[(index + round) % sides.length])
            .filter((side) => side !== undefined);
          for (const side of order) {
            side.bursts.push(await cleanBurst(side.path, engine, workers, OPERATIONS[engine][workers]));
            peakMiB = Math.max(peakMiB, await residentMiB(parts.broker.pid));
          }
          progress(
            `${engine}, ${workers} workers, round ${round + 1} of ${rounds}: ${sides.map(told).join(', ')}`,
          );
        }
        rows.push(...rowsOf(engine, workers, sides));
        for (const { path } of sides) await path.close();
      }
    }
    rows.push(
      measured({
        case: 'broker under this load',
        metric: 'peak memory',
        unit: 'MiB',
        ours: peakMiB,
        limit: 200,
        better: 'lower',
      }),
    );
    return report('issue', rounds, rows);
  } finally {
    await parts.stop();
  }
}

function sidesOf(parts: BrokerParts, bareUrl: string, workers: number): readonly [Side, ...Side[]] {
  return [
    { name: 'direct', path: directPath(parts, workers), bursts: [] },
    { name: 'lease', path: leasePath(parts, workers, false), bursts: [] },
    { name: 'exchange and lease', path: leasePath(parts, workers, true), bursts: [] },
    { name: 'six steps alone', path: barePath(parts, bareUrl, workers), bursts: [] },
  ];
}

function rowsOf(engine: Engine, workers: number, [direct, ...ours]: readonly [Side, ...Side[]]): Row[] {
  return ours.flatMap((side) => {
    const limited = side.name === 'lease';
    const name = `${engine}/${workers} worker${workers === 1 ? '' : 's'}${limited ? '' : `, ${side.name}`}`;
    const p50 = { ours: p(side, 0.5), reference: p(direct, 0.5) };
    const rows = [
      compared({
        case: name,
        metric: 'p50',
        unit: 'ms',
        ...p50,
        limit: limited && engine === 'database' && workers === 1 ? 1.2 : null,
        better: 'lower',
      }),
      compared({
        case: name,
        metric: 'p99',
        unit: 'ms',
        ours: p(side, 0.99),
        reference: p(direct, 0.99),
        limit: null,
        better: 'lower',
      }),
      compared({
        case: name,
        metric: 'throughput',
        unit: '1/s',
        ours: rate(side),
        reference: rate(direct),
        limit: limited && engine === 'database' && workers > 1 ? 0.95 : null,
        better: 'higher',
      }),
    ];
    if (engine !== 'database' && workers === 1) {
      rows.push(
        measured({
          case: name,
          metric: 'p50 beyond direct',
          unit: 'ms',
          ours: p50.ours - p50.reference,
          limit: limited ? 2 : null,
          better: 'lower',
        }),
      );
    }
    return rows;
  });
}

async function cleanBurst(
  path: CredentialPath,
  engine: Engine,
  workers: number,
  operations: number,
): Promise<Burst> {
  await path.begin();
  const result = await burst(workers, operations, () => path.fetch(engine));
  await path.end();
  return result;
}

function told({ name, bursts }: Side): string {
  const last = bursts.at(-1);
  return last === undefined
    ? name
    : `${name} ${quantile(last.latenciesMs, 0.5).toFixed(1)} ms ${last.perSecond.toFixed(0)}/s`;
}

function p(side: Side, q: number): number {
  return median(side.bursts.map(({ latenciesMs }) => quantile(latenciesMs, q)));
}

function rate(side: Side): number {
  return median(side.bursts.map(({ perSecond }) => perSecond));
}
