import { compileScrub } from '../../src/gateway/scrub/scrub-plan.js';
import { Scrubber } from '../../src/gateway/scrub/scrubber.js';
import { Secret } from '../../src/kernel/secret.js';
import { measured, median, type Row } from '../report.js';
import { BENCH_SECRET, escapedJson, findingsJson, HOSTILE, plainJson } from './scrub-bodies.js';

const BODY_BYTES = 1_000_000;
const PASSES = 25;
const HOSTILE_BYTES = 200_000;
/** Twice as much may take twice as long; the rest is for a machine that does other things too. */
const HOSTILE_RATIO = 3;
const HOSTILE_PASSES = 6;
/** Less than this says more about the machine. */
const FLOOR_MS = 2;
const STREAM_CHUNKS = 200;

const PLAN = compileScrub({
  response: 'redact',
  request: 'block',
  detectors: ['email', 'card', 'iban', 'key'],
  patterns: [],
  unreadable: 'refuse',
});

/** How fast bodies are looked through with everything on, and that nothing makes it slower than linear. */
export async function benchScrub(rounds: number, progress: (line: string) => void): Promise<readonly Row[]> {
  const scrubber = new Scrubber();
  const secrets = [Secret.of(BENCH_SECRET)];
  const scrub = (body: Buffer, contentType: string): void =>
    void scrubber.scrubBody(PLAN, secrets, body, contentType, 'redact');
  const rows = [
    speed('plain JSON of 1 MB', plainJson(BODY_BYTES), 200, rounds, scrub),
    speed('JSON of 1 MB, all escaped', escapedJson(BODY_BYTES), null, rounds, scrub),
    speed('JSON of 1 MB, findings in each kB', findingsJson(BODY_BYTES), null, rounds, scrub),
  ];
  progress(`scrub: ${rows.map(({ case: name, ours }) => `${name} ${ours.toFixed(0)} MB/s`).join('; ')}`);
  const worst = worstGrowth(scrub);
  progress(
    `scrub: of ${Object.keys(HOSTILE).length} hostile bodies, ${worst.name} grows most: ${worst.ratio.toFixed(2)}`,
  );
  return [
    ...rows,
    measured({
      case: `scrub/hostile bodies (${Object.keys(HOSTILE).length}), worst`,
      metric: 'time for twice the bytes',
      unit: 'ratio',
      ours: worst.ratio,
      limit: HOSTILE_RATIO,
      better: 'lower',
    }),
    measured({
      case: 'scrub/stream of text',
      metric: 'chunks held back, worst',
      unit: 'chunks',
      ours: await chunksHeldBack(scrubber, secrets),
      limit: 1,
      better: 'lower',
    }),
  ];
}

function speed(
  name: string,
  body: Buffer,
  limit: number | null,
  rounds: number,
  scrub: (body: Buffer, contentType: string) => void,
): Row {
  const perRound: number[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const passes = Array.from({ length: PASSES }, () => elapsedMs(() => scrub(body, 'application/json')));
    // The first round is for the compiler.
    if (round > 0) perRound.push(body.length / 1e3 / median(passes));
  }
  return measured({
    case: `scrub/${name}`,
    metric: 'throughput',
    unit: 'MB/s',
    ours: median(perRound),
    limit,
    better: 'higher',
  });
}

function worstGrowth(scrub: (body: Buffer, contentType: string) => void): { name: string; ratio: number } {
  let worst = { name: '', ratio: 0 };
  for (const contentType of ['application/json', 'text/plain']) {
    for (const [name, make] of Object.entries(HOSTILE)) {
      const [once, twice] = [HOSTILE_BYTES, HOSTILE_BYTES * 2].map((bytes) => {
        const body = Buffer.from(make(bytes));
        return Math.min(
          ...Array.from({ length: HOSTILE_PASSES }, () => spentMs(() => scrub(body, contentType))),
        );
      });
      const ratio = (twice ?? 0) / Math.max(once ?? 0, FLOOR_MS);
      if (ratio > worst.ratio) worst = { name: `${name} as ${contentType}`, ratio };
    }
  }
  return worst;
}

/** Writes sentences a chunk at a time, and counts how many chunks were not out when the next one came. */
async function chunksHeldBack(scrubber: Scrubber, secrets: readonly Secret[]): Promise<number> {
  const stream = scrubber.scrubStream(PLAN, secrets, 'text/plain', 'redact');
  let bytesOut = 0;
  stream.on('data', (chunk: Buffer) => (bytesOut += chunk.length));
  const ends: number[] = [];
  let worst = 0;
  for (let count = 0; count < STREAM_CHUNKS; count += 1) {
    const chunk = Buffer.from(`chunk ${count} of an answer that comes in pieces of some words, cut any`);
    ends.push((ends.at(-1) ?? 0) + chunk.length);
    await new Promise<void>((resolve) => stream.write(chunk, () => setImmediate(resolve)));
    worst = Math.max(worst, ends.filter((end) => end > bytesOut).length);
  }
  stream.end();
  return worst;
}

function elapsedMs(work: () => void): number {
  const begin = performance.now();
  work();
  return performance.now() - begin;
}

/** Processor time, which other programs do not add to. */
function spentMs(work: () => void): number {
  const begin = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1e3;
}
