import { describe, expect, it } from 'vitest';
import { BENCH_SECRET, HOSTILE } from '../../../../bench/gateway/scrub-bodies.js';
import { JSON_TYPE, scrubbed, TEXT_TYPE } from './parts.js';

const BYTES = 100_000;
/** Generous, since the machine does other things too: what is quadratic takes four times as long for twice the bytes. */
const GROWTH = 3.2;
const ATTEMPTS = 6;
/** Less than this says more about the machine. */
const FLOOR_MS = 4;

describe.each([JSON_TYPE, TEXT_TYPE])('a body of %s made to be slow', (contentType) => {
  it.each(Object.keys(HOSTILE))('takes linear time: %s', (name) => {
    const make = HOSTILE[name] as (bytes: number) => string;
    const [once, twice] = [make(BYTES), make(BYTES * 2)];
    let best = Infinity;
    for (let attempt = 0; attempt < ATTEMPTS && best > GROWTH; attempt += 1) {
      const shortMs = spentMs(once, contentType);
      best = Math.min(best, spentMs(twice, contentType) / Math.max(shortMs, FLOOR_MS));
    }
    expect(best).toBeLessThanOrEqual(GROWTH);
  });
});

/** Processor time, which other programs do not add to. */
function spentMs(body: string, contentType: string): number {
  const begin = process.cpuUsage();
  scrubbed(body, contentType, { secrets: [BENCH_SECRET] });
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1e3;
}
