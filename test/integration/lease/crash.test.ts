import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CrashPoint } from '../../../src/kernel/crash-point.js';
import { until } from '../../support/until.js';
import { startWorld, type World } from '../../support/world.js';

/** Short enough that the end of what a crash left is seen soon. */
const leases = { issuingBoundSeconds: 5, claimSeconds: 5 };

/** What brings a broker to each point, after it has leased where that is `leased`. */
const POINTS: readonly {
  readonly point: CrashPoint;
  readonly act: 'lease' | 'renew' | 'release' | 'close';
  /** Rows that the crash leaves. */
  readonly rows: readonly string[];
  /** Database users that it leaves. */
  readonly users: number;
}[] = [
  { point: 'lease.issue.decided', act: 'lease', rows: [], users: 0 },
  { point: 'lease.issue.token-created', act: 'lease', rows: [], users: 0 },
  { point: 'lease.issue.requested', act: 'lease', rows: ['issuing'], users: 0 },
  { point: 'lease.issue.credential-read', act: 'lease', rows: ['issuing'], users: 1 },
  { point: 'lease.issue.issued', act: 'lease', rows: ['active'], users: 1 },
  { point: 'lease.renew.renewed', act: 'renew', rows: ['active'], users: 1 },
  { point: 'lease.revoke.claimed', act: 'release', rows: ['revoking'], users: 1 },
  { point: 'lease.revoke.vault-revoked', act: 'release', rows: ['revoking'], users: 0 },
  { point: 'lease.revoke.accessor-revoked', act: 'release', rows: ['revoking'], users: 0 },
  { point: 'run.close.committed', act: 'close', rows: ['revoking'], users: 1 },
];

let world: World;

beforeAll(async () => {
  // No jobs: what a crash leaves stays there until the last test starts a broker that does them.
  world = await startWorld({ mode: 'process', settings: { roles: ['api'], leases } });
}, 240_000);
afterAll(() => world.stop());

describe('a broker that is killed', () => {
  it.each(POINTS)(
    'at $point leaves what it should',
    async ({ point, act, rows, users }) => {
      await world.restart({ env: { LEASEGATE_CRASH_AT: point } });
      const before = new Set(await world.targetUsers());
      const token = await world.runToken({ runId: point });
      const lease = (): ReturnType<World['call']> =>
        world.call('POST', '/v1/leases', { token, body: { credential: 'orders-readonly', ttl_seconds: 30 } });
      let fatal: Promise<unknown>;
      if (act === 'lease') {
        fatal = lease();
      } else {
        const { status, body } = await lease();
        expect(status).toBe(201);
        const { id } = (body as { lease: { id: string } }).lease;
        if (act === 'renew') {
          fatal = world.call('POST', `/v1/leases/${id}/renew`, { token, body: { ttl_seconds: 90 } });
        } else {
          fatal = world.call('DELETE', act === 'close' ? '/v1/runs/self' : `/v1/leases/${id}`, { token });
        }
      }
      // The worker gets no answer, so no credential that nobody knows of is ever in anybody's hands.
      await expect(fatal).rejects.toThrow();
      expect(await world.broker.exited).toBe('SIGKILL');
      const left = await world.query<{ state: string }>(
        'SELECT l.state FROM leases l JOIN runs r ON r.id = l.run_ref WHERE r.run_id = $1',
        [point],
      );
      expect(left.map(({ state }) => state)).toEqual(rows);
      // Of those that were there before, Vault may have ended some by itself meanwhile.
      expect((await world.targetUsers()).filter((user) => !before.has(user))).toHaveLength(users);
    },
    240_000,
  );

  it('leaves nothing alive and nothing without an end, once there is a broker again', async () => {
    await world.restart({
      env: { LEASEGATE_CRASH_AT: '' },
      settings: { roles: ['api', 'scheduler', 'sequencer'] },
    });
    await until(async () => (await world.query(`SELECT 1 FROM leases WHERE ended_at IS NULL`)).length === 0, {
      deadlineMs: 120_000,
      what: 'the end of every row',
    });
    expect(await world.targetUsers()).toEqual([]);
    const rows = await world.query<{
      id: string;
      run_id: string;
      state: string;
      proof: string;
      revoke_cause: string;
    }>(
      'SELECT l.id, r.run_id, l.state, l.proof, l.revoke_cause FROM leases l JOIN runs r ON r.id = l.run_ref',
    );
    const causeOf = (point: CrashPoint): string | undefined =>
      rows.find(({ run_id: runId }) => runId === point)?.revoke_cause;
    expect(causeOf('lease.issue.requested')).toBe('crashed');
    expect(causeOf('lease.issue.credential-read')).toBe('crashed');
    expect(causeOf('lease.issue.issued')).toBe('expiry');
    expect(causeOf('lease.renew.renewed')).toBe('expiry');
    expect(causeOf('lease.revoke.claimed')).toBe('released');
    expect(causeOf('run.close.committed')).toBe('run_closed');
    for (const { proof } of rows) expect(['lease_gone+accessor_revoked', 'accessor_gone']).toContain(proof);
    const ends = (): Promise<{ count: number }[]> =>
      world.query(
        `SELECT count(*)::int AS count FROM audit_entry WHERE kind = 'lease.ended' GROUP BY lease_id`,
      );
    await until(async () => (await ends()).length === rows.length, { what: 'the events in the log' });
    expect((await ends()).map(({ count }) => count)).toEqual(rows.map(() => 1));
  }, 240_000);
});
