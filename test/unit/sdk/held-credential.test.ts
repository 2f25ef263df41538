import fc from 'fast-check';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { HeldCredential } from '../../../src/sdk/held-credential.js';
import { LeasegateError } from '../../../src/sdk/leasegate-error.js';
import { ScriptedBroker } from './scripted-broker.js';
import { TestSurroundings } from './test-surroundings.js';

const MINUTE_MS = 60_000;

interface Options {
  ttlMs?: number;
  lifeMs?: number;
  overlapMs?: number;
  handoverMs?: number;
  prepare?: (broker: ScriptedBroker) => void;
}

async function hold({
  ttlMs = 10 * MINUTE_MS,
  lifeMs = 60 * MINUTE_MS,
  overlapMs = MINUTE_MS,
  handoverMs = 5 * MINUTE_MS,
  prepare = () => {},
}: Options = {}) {
  const surroundings = new TestSurroundings();
  const broker = new ScriptedBroker(surroundings, ttlMs, lifeMs);
  prepare(broker);
  const credential = new HeldCredential({
    first: await broker.lease(),
    lease: () => broker.lease(),
    wishes: { overlapMs, handoverMs },
    surroundings,
  });
  const log: string[] = [];
  const note = (what: string): void => void log.push(`${broker.elapsedMs / 1000}s ${what}`);
  const codeOf = (error: unknown): string => (error instanceof LeasegateError ? error.code : 'error');
  credential.on('rotated', ({ lease, previous }) => note(`${previous.id} -> ${lease.id}`));
  credential.on('renewal-failed', ({ error, usableUntil }) =>
    note(`${codeOf(error)} ${usableUntil === null ? 'dead' : 'usable'}`),
  );
  credential.on('rotation-failed', ({ error, willRetry }) =>
    note(`${codeOf(error)} ${willRetry ? 'again' : 'final'}`),
  );
  credential.on('final', () => note('final'));
  credential.on('lapsed', () => note('lapsed'));
  credential.on('ended', (reason) => note(reason));
  return { credential, broker, surroundings, log };
}

const refusal = (code: string, status: number): LeasegateError =>
  new LeasegateError({ code, status, detail: 'no' });

describe('a credential that cannot be had any more', () => {
  it('lasts to its end when the run is closed, and says so', async () => {
    const { broker, surroundings, log } = await hold();
    broker.refuseLease = refusal('run_closed', 403);
    await surroundings.advanceMs(70 * MINUTE_MS);
    expect(log).toEqual(['3315s run_closed final', '3600s expired']);
    expect(surroundings.timers).toBe(0);
  });

  it('is not replaced by one that would end no later; that one is given back', async () => {
    const { broker, surroundings, log } = await hold({
      prepare: (each) => (each.runEndsAtMs = Date.parse('2026-11-21T12:30:00Z')),
    });
    await surroundings.advanceMs(29 * MINUTE_MS);
    expect(log).toEqual([expect.stringMatching(/^1[45]\d\ds final$/)]);
    expect([broker.issued, broker.live]).toEqual([2, 1]);
    await surroundings.advanceMs(2 * MINUTE_MS);
    expect(log.slice(1)).toEqual(['1800s lapsed', '1800s run_closed final', '1800s expired']);
  });

  it('is asked for again while the old one works, since a grant can be mended', async () => {
    const { credential, broker, surroundings, log } = await hold();
    broker.refuseLease = refusal('grant_not_active', 403);
    await surroundings.advanceMs(56 * MINUTE_MS);
    expect(log.length).toBeGreaterThan(1);
    expect(new Set(log.map((line) => line.replace(/^\S+ /, '')))).toEqual(
      new Set(['grant_not_active again']),
    );
    broker.refuseLease = undefined;
    await surroundings.advanceMs(MINUTE_MS);
    expect(log.at(-1)).toMatch(/lease-1 -> lease-2$/);
    expect(credential.data['username']).toBe('lease-2');
  });
});

describe('a credential', () => {
  it('is replaced before its longest life is over, and the old one kept for a while', async () => {
    const { credential, broker, surroundings, log } = await hold();
    await surroundings.advanceMs(3_315_000);
    expect(log).toEqual(['3315s lease-1 -> lease-2']);
    expect(credential.data['username']).toBe('lease-2');
    await surroundings.advanceMs(MINUTE_MS - 1);
    expect([broker.isLive('lease-1'), broker.live]).toEqual([true, 2]);
    await surroundings.advanceMs(1);
    expect([broker.isLive('lease-1'), broker.live]).toEqual([false, 1]);
  });

  it('is replaced at once when its lease was ended elsewhere', async () => {
    const { credential, broker, surroundings, log } = await hold();
    broker.revoke('lease-1');
    await surroundings.advanceMs(6 * MINUTE_MS);
    expect(log).toEqual(['300s lease_not_active dead', '300s lapsed', '300s lease-1 -> lease-2']);
    expect(broker.isLive(credential.lease.id)).toBe(true);
  });

  it('comes back after an outage that was longer than its life', async () => {
    const { credential, broker, surroundings, log } = await hold();
    broker.outages = [[MINUTE_MS, 200 * MINUTE_MS]];
    await surroundings.advanceMs(201 * MINUTE_MS);
    expect(log.filter((line) => line.endsWith('lapsed')).length).toBe(1);
    expect(log.at(-1)).toMatch(/lease-1 -> lease-2$/);
    expect(broker.isLive(credential.lease.id)).toBe(true);
  });

  it('releases all that it has, also what comes late', async () => {
    const { credential, broker, surroundings, log } = await hold();
    await surroundings.advanceMs(3_315_000);
    const rotating = credential.rotate();
    await credential[Symbol.asyncDispose]();
    await rotating;
    expect([broker.issued, broker.unreleased, surroundings.timers > 1]).toEqual([3, 0, false]);
    expect(log.at(-1)).toBe('3315s released');
  });

  it('prints without the secret', async () => {
    const { credential } = await hold();
    for (const text of [
      inspect(credential, { depth: 9, showHidden: true }),
      JSON.stringify({ ...credential }),
    ])
      expect(text).not.toContain('marker-7');
  });
});

it('is there at every moment of a run that is longer than its leases, through short outages, and nothing is left', async () => {
  const seconds = (min: number, max: number): fc.Arbitrary<number> =>
    fc.integer({ min, max }).map((value) => value * 1000);
  await fc.assert(
    fc.asyncProperty(
      seconds(4, 600),
      fc.integer({ min: 1, max: 12 }),
      seconds(0, 300),
      seconds(1, 900),
      fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 1, maxLength: 20 }),
      fc.array(
        fc.tuple(fc.double({ min: 0, max: 1, noNaN: true }), fc.double({ min: 0, max: 1, noNaN: true })),
        {
          maxLength: 6,
        },
      ),
      async (ttlMs, lives, overlapMs, handoverMs, shares, outages) => {
        const lifeMs = ttlMs * lives;
        const longMs = lifeMs * 4;
        // What renewals and the window forgive; each outage in a part of time of its own, with a pause behind it.
        const windowMs = Math.min(handoverMs, lifeMs / 3);
        const forgivenMs = Math.min(ttlMs, windowMs, overlapMs === 0 ? windowMs : Infinity) / 6;
        const slotMs = longMs / Math.max(1, outages.length);
        const { credential, broker, surroundings } = await hold({
          ttlMs,
          lifeMs,
          overlapMs,
          handoverMs,
          prepare: (each) => {
            each.outages = outages.map(([at, share], index) => {
              const fromMs = 1 + index * slotMs + at * (slotMs / 2);
              return [fromMs, fromMs + share * forgivenMs];
            });
          },
        });
        const kept: string[] = [];
        const wrong: string[] = [];
        credential.on('rotated', ({ previous, previousUntil }) => {
          const untilMs = previousUntil.getTime();
          kept.push(previous.id);
          surroundings.after(Math.max(0, untilMs - surroundings.nowMs() - 1), () => {
            if (untilMs - surroundings.nowMs() > 0 && !broker.isLive(previous.id)) wrong.push(previous.id);
          });
        });
        for (let step = 0; broker.elapsedMs < longMs; step += 1) {
          surroundings.share = shares[step % shares.length] ?? 0;
          await surroundings.advanceMs(ttlMs / 16);
          if (!broker.isLive(credential.lease.id)) wrong.push(`gap at ${broker.elapsedMs}`);
          if (broker.live > 2) wrong.push(`${broker.live} live at ${broker.elapsedMs}`);
        }
        expect(wrong).toEqual([]);
        expect(kept.length).toBeGreaterThanOrEqual(3);
        broker.outages = [];
        await credential.release();
        expect(broker.live).toBe(0);
      },
    ),
    { seed: 20_261_121, numRuns: 150 },
  );
});
