import { compared, measured, median, quantile, report, type Report, type Row } from '../report.js';
import { Client } from './measure.js';
import { startGatewayParts, type GatewayParts } from './parts.js';
import { streamRows } from './streams.js';
import { benchScrub } from './scrub.js';

const RATE_PER_SECOND = 200;
const OPEN_CALLS = 1_000;
const WORKERS = 64;
const CLOSED_CALLS = 6_000;
const WARM_UP_CALLS = 6_000;

/** A call through the gateway, against the provider itself and against a peer that only forwards. */
export async function benchGateway(rounds: number, progress: (line: string) => void): Promise<Report> {
  const parts = await startGatewayParts(progress);
  try {
    const rows = [...(await calls(parts, rounds, progress)), ...(await streamRows(parts, progress))];
    return report('gateway', rounds, [...rows, ...(await benchScrub(rounds, progress))]);
  } finally {
    await parts.stop();
  }
}

interface Side {
  readonly client: Client;
  readonly p50: number[];
  readonly p99: number[];
  readonly perSecond: number[];
}

async function calls(parts: GatewayParts, rounds: number, progress: (line: string) => void): Promise<Row[]> {
  const side = (index: 0 | 1 | 2 | 3): Side => ({
    client: new Client(parts.ways[index], WORKERS),
    p50: [],
    p99: [],
    perSecond: [],
  });
  const [direct, ours, peer, bare] = [side(0), side(1), side(2), side(3)];
  const sides = [direct, ours, peer, bare];
  for (const { client } of sides) {
    progress(`warming up: ${client.way.name}`);
    await client.begin();
    await client.closed(WORKERS, WARM_UP_CALLS);
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const { client, p50, p99 } of inTurn(sides, round)) {
      await client.begin();
      const latenciesMs = await client.open(RATE_PER_SECOND, OPEN_CALLS);
      p50.push(quantile(latenciesMs, 0.5));
      p99.push(quantile(latenciesMs, 0.99));
    }
    for (const { client, perSecond } of inTurn(sides, round)) {
      await client.begin();
      perSecond.push((await client.closed(WORKERS, CLOSED_CALLS)).perSecond);
    }
    progress(
      `round ${round + 1} of ${rounds}: ${sides.map((one) => `${one.client.way.name} ${(one.p50.at(-1) ?? 0).toFixed(2)} ms, ${(one.perSecond.at(-1) ?? 0).toFixed(0)}/s`).join('; ')}`,
    );
  }
  for (const { client } of sides) await client.close();
  const added = (one: Side, of: 'p50' | 'p99'): number => median(one[of]) - median(direct[of]);
  const steady = `${RATE_PER_SECOND} calls/s`;
  return [
    measured({
      case: steady,
      metric: 'p50 added',
      unit: 'ms',
      ours: added(ours, 'p50'),
      limit: 1,
      better: 'lower',
    }),
    measured({
      case: steady,
      metric: 'p99 added',
      unit: 'ms',
      ours: added(ours, 'p99'),
      limit: 5,
      better: 'lower',
    }),
    compared({
      case: `${steady}, against the peer`,
      metric: 'p50 added',
      unit: 'ms',
      ours: added(ours, 'p50'),
      reference: added(peer, 'p50'),
      limit: 0.5,
      better: 'lower',
    }),
    compared({
      case: `${steady}, one row written and forwarded, against the peer`,
      metric: 'p50 added',
      unit: 'ms',
      ours: added(bare, 'p50'),
      reference: added(peer, 'p50'),
      limit: null,
      better: 'lower',
    }),
    measured({
      case: `${WORKERS} at once`,
      metric: 'throughput',
      unit: '1/s',
      ours: median(ours.perSecond),
      limit: 2_000,
      better: 'higher',
    }),
    compared({
      case: `${WORKERS} at once, against the peer`,
      metric: 'throughput',
      unit: '1/s',
      ours: median(ours.perSecond),
      reference: median(peer.perSecond),
      limit: 1,
      better: 'higher',
    }),
    compared({
      case: `${WORKERS} at once, one row written and forwarded, against the peer`,
      metric: 'throughput',
      unit: '1/s',
      ours: median(bare.perSecond),
      reference: median(peer.perSecond),
      limit: null,
      better: 'higher',
    }),
    compared({
      case: `${WORKERS} at once, against direct`,
      metric: 'throughput',
      unit: '1/s',
      ours: median(ours.perSecond),
      reference: median(direct.perSecond),
      limit: null,
      better: 'higher',
    }),
  ];
}

function inTurn<T>(sides: readonly T[], round: number): T[] {
  return sides.map((_, index) => sides[(index + round) % sides.length]).filter((one) => one !== undefined);
}
