import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { LeaseView } from '../../../src/sdk/api-types.js';
import { HeldLease } from '../../../src/sdk/held-lease.js';
import { LeasegateError } from '../../../src/sdk/leasegate-error.js';
import { leaseView } from './lease-views.js';
import { TestSurroundings } from './test-surroundings.js';

const SERVER_AHEAD_MS = 3_600_000;

interface Options {
  view?: Partial<LeaseView>;
  renew?: (nowMs: number) => LeaseView;
  release?: () => LeaseView;
  autoRenew?: boolean;
  serverAheadMs?: number;
  share?: number;
}

function hold({ view, renew, release, autoRenew = true, serverAheadMs = 0, share = 0.5 }: Options = {}) {
  const surroundings = new TestSurroundings();
  surroundings.share = share;
  const log: string[] = [];
  const startMs = surroundings.nowMs();
  const at = (): string => `${(surroundings.nowMs() - startMs) / 1000}s`;
  const extended = (nowMs: number): LeaseView =>
    leaseView({ expires_at: new Date(nowMs + 600_000).toISOString() });
  const lease = new HeldLease({
    view: leaseView(view),
    serverTimeMs: startMs + serverAheadMs,
    ttlSeconds: 600,
    credential: { username: 'u', password: 'marker-7' },
    wrapping: undefined,
    autoRenew,
    surroundings,
    calls: {
      renew: async () => {
        log.push(`${at()} renew`);
        return {
          lease: (renew ?? extended)(surroundings.nowMs()),
          serverTimeMs: surroundings.nowMs() + serverAheadMs,
        };
      },
      release: async () => {
        log.push(`${at()} release`);
        return (release ?? leaseView)();
      },
    },
  });
  lease.on('renewed', () => log.push(`${at()} renewed`));
  lease.on('renewal-failed', ({ error, willRetry }) =>
    log.push(
      `${at()} ${error instanceof LeasegateError ? error.code : 'error'} ${willRetry ? 'again' : 'final'}`,
    ),
  );
  lease.on('ended', (reason) => log.push(`${at()} ${reason}`));
  return { lease, surroundings, log };
}

const refuse = (code: string, status: number) => (): never => {
  throw new LeasegateError({ code, status, detail: 'no' });
};

describe('HeldLease', () => {
  it('says that it cannot be renewed when the broker refuses, and asks no more', async () => {
    const { surroundings, log } = hold({ renew: refuse('run_closed', 403) });
    await surroundings.advanceMs(700_000);
    expect(log).toEqual(['300s renew', '300s run_closed final', '600s expired']);
    expect(surroundings.timers).toBe(0);
  });

  it('tries again while the broker is away, closer and closer to the end', async () => {
    const { surroundings, log } = hold({ renew: refuse('vault_sealed', 503) });
    await surroundings.advanceMs(590_000);
    expect(log.filter((line) => line.endsWith('again')).length).toBeGreaterThan(4);
    await surroundings.advanceMs(20_000);
    expect(log.at(-1)).toBe('600s expired');
    expect(log.at(-2)).toMatch(/vault_sealed final$/);
  });

  it('does not ask for what is beyond its longest life', async () => {
    const { surroundings, log } = hold({ view: { max_expires_at: '2026-11-21T12:10:00.000Z' } });
    await surroundings.advanceMs(700_000);
    expect(log).toEqual(['300s lease_not_renewable final', '600s expired']);
  });

  it.each([
    [0, '240s'],
    [0.5, '300s'],
    [0.999, '359.88s'],
  ])('renews at half of what remains, give or take (%d)', async (share, first) => {
    const { surroundings, log } = hold({ share });
    await surroundings.advanceMs(400_000);
    expect(log.slice(0, 2)).toEqual([`${first} renew`, `${first} renewed`]);
  });

  it('goes by the time of the broker when the clock here is wrong', async () => {
    const { surroundings, log } = hold({
      serverAheadMs: SERVER_AHEAD_MS,
      view: { expires_at: '2026-11-21T13:10:00.000Z', max_expires_at: '2026-11-21T18:00:00.000Z' },
      renew: refuse('run_closed', 403),
    });
    await surroundings.advanceMs(601_000);
    expect(log).toEqual(['300s renew', '300s run_closed final', '600s expired']);
  });

  it('expires without asking when it must not renew by itself', async () => {
    const { surroundings, log } = hold({ autoRenew: false });
    await surroundings.advanceMs(600_000);
    expect(log).toEqual(['600s expired']);
  });

  it('stops and releases once disposed; a lease that ended already is released', async () => {
    const { lease, surroundings, log } = hold({ release: refuse('lease_not_active', 409) });
    await lease[Symbol.asyncDispose]();
    await surroundings.advanceMs(900_000);
    expect(log).toEqual(['0s released', '0s release']);
  });

  it('tells when the release failed, and renews no more all the same', async () => {
    const { lease, surroundings } = hold({ release: refuse('broker_unreachable', 0) });
    await expect(lease.release()).rejects.toMatchObject({ code: 'broker_unreachable' });
    expect(surroundings.timers).toBe(0);
  });

  it('prints without the secret', () => {
    const { lease } = hold();
    for (const text of [
      inspect(lease, { depth: 9, showHidden: true }),
      JSON.stringify(lease),
      `${JSON.stringify({ ...lease })}`,
    ]) {
      expect(text).not.toContain('marker-7');
    }
    expect(lease.data['password']).toBe('marker-7');
  });
});
