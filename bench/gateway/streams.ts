import { setTimeout as pause } from 'node:timers/promises';
import { residentMiB } from '../broker-parts.js';
import { compared, measured, median, type Row } from '../report.js';
import { Client } from './measure.js';
import type { GatewayParts } from './parts.js';

const STREAMS = 500;

/** What streams cost: how far they are behind, and whether memory stays where it is while many are open. */
export async function streamRows(parts: GatewayParts, progress: (line: string) => void): Promise<Row[]> {
  const client = new Client(parts.ways[1], STREAMS);
  try {
    await client.begin();
    const behind = await client.stream(100, 20);
    progress(`${STREAMS} streams`);
    const open = Promise.all(Array.from({ length: STREAMS }, () => client.stream(40, 1_000)));
    const residents: number[] = [];
    for (let second = 0; second < 36; second += 3) {
      await pause(3_000);
      residents.push(await residentMiB(parts.broker.pid));
    }
    await open;
    // The first third is what opening them costs; after it nothing may grow.
    const [early, late] = [residents.slice(3, 6), residents.slice(-3)];
    return [
      measured({
        case: 'a stream',
        metric: 'events held back',
        unit: 'events',
        ours: behind,
        limit: 1,
        better: 'lower',
      }),
      compared({
        case: `${STREAMS} streams open, late against early`,
        metric: 'memory',
        unit: 'MiB',
        ours: median(late),
        reference: median(early),
        limit: 1.1,
        better: 'lower',
      }),
    ];
  } finally {
    await client.close();
  }
}
