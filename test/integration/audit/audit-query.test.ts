import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditFilters } from '../../../src/audit/audit-filters.js';
import type { EventContext } from '../../../src/audit/event.js';
import { systemCaller } from '../../../src/kernel/caller.js';
import { hasCode } from '../../../src/kernel/broker-error.js';
import { CALLER, offerMany, openLog, type LogParts } from './log-parts.js';

let parts: LogParts;
const RUN = '01890a5d-ac96-774b-bcce-b302099a8057';
const LEASE = '01890a5d-ac96-774b-bcce-b302099a8058';
const GRANT = '01890a5d-ac96-774b-bcce-b302099a8059';
const lease: EventContext = {
  caller: {
    actor: { type: 'workload', issuer: 'https://ci.example', subject: 'repo:a' },
    requestId: 'req-lease',
  },
  workload: { issuer: 'https://ci.example', subject: 'repo:a' },
  run: { ref: RUN, runId: '42' },
  stepId: 'deploy',
  grant: { id: GRANT, name: 'deployers', version: 2 },
  leaseId: LEASE,
  credential: 'orders-db',
};

beforeAll(async () => {
  parts = await openLog();
  const { inbox } = parts;
  await parts.dataSource.query(
    `INSERT INTO grants (id, name, state, version, issuer, created_at, created_by, updated_at)
     VALUES ($1, 'deployers', 'active', 2, 'ci', now(), 'alice', now())`,
    [GRANT],
  );
  await inbox.record(
    'grant.approved',
    { caller: CALLER, grant: { id: GRANT, name: 'deployers' } },
    { version: 2 },
  );
  await inbox.record('exchange.refused', { caller: CALLER, outcome: 'refused', code: 'grant_not_found' }, {});
  await inbox.record('lease.issued', lease, {
    expires_at: '2026-11-03T10:00:00.000Z',
    delivery: 'inline',
    revocable: true,
    account: 'v-orders-1',
  });
  await inbox.record(
    'run.expired',
    { caller: systemCaller('scheduler', 'job-1'), run: { runId: '43' } },
    { leases: 0 },
  );
  await parts.sequencer().drain();
});
afterAll(() => parts.stop());

const indexes = async (filters: AuditFilters): Promise<number[]> =>
  (await parts.query.list(filters, { limit: 100, order: 'oldest' })).items.map(({ index }) => index);

describe('query of the log', () => {
  it.each<[string, AuditFilters, string | undefined]>([
    ['malformed filters', { lease: 'x' }, undefined],
    ['a foreign cursor', {}, 'x'],
    ['a cursor that is no index', {}, Buffer.from('["newest","1"]').toString('base64url')],
    ['a cursor of the other order', {}, Buffer.from('["oldest",1]').toString('base64url')],
  ])('refuses %s', async (_, filters, cursor) => {
    const error: unknown = await parts.query
      .list(filters, { limit: 5, cursor })
      .catch((thrown: unknown) => thrown);
    expect(hasCode(error, 'request_invalid')).toBe(true);
  });

  it.each<[AuditFilters, number[]]>([
    [{}, [0, 1, 2, 3]],
    [{ kinds: ['grant.approved', 'run.expired'] }, [0, 3]],
    [{ outcome: 'refused' }, [1]],
    [{ code: 'grant_not_found' }, [1]],
    [{ run: '42' }, [2]],
    [{ runRef: RUN }, [2]],
    [{ step: 'deploy' }, [2]],
    [{ grant: GRANT }, [0, 2]],
    [{ grant: 'deployers' }, [0, 2]],
    [{ grant: 'no-such' }, []],
    [{ lease: LEASE }, [2]],
    [{ credential: 'orders-db' }, [2]],
    [{ workload: 'repo:a' }, [2]],
    [{ actor: 'alice' }, [0, 1]],
    [{ actor: 'system:scheduler' }, [3]],
    [{ request: 'req-lease' }, [2]],
    [{ account: 'v-orders-1' }, [2]],
    [{ account: 'v-orders-2' }, []],
    [{ grant: GRANT, actor: 'alice' }, [0]],
    [{ fromIndex: 1, toIndex: 3 }, [1, 2]],
    [{ from: new Date(0), to: new Date(1) }, []],
    [{ from: new Date(0), to: new Date('2100-01-01') }, [0, 1, 2, 3]],
  ])('%j', async (filters, found) => {
    expect(await indexes(filters)).toEqual(found);
  });

  it('answers the event as its leaf has it, with its hashes', async () => {
    const { items } = await parts.query.list({ lease: LEASE }, { limit: 1 });
    expect(items[0]).toMatchObject({
      index: 2,
      event: {
        kind: 'lease.issued',
        run: { run_id: '42' },
        data: { account: parts.inbox.hmac('v-orders-1') },
      },
    });
    expect(items[0]?.leafHash).toMatch(/^[0-9a-f]{64}$/);
    const head = await parts.query.head();
    expect(head).toMatchObject({ size: 4, rootHash: (await parts.tree.rootAt(4)).toString('hex') });
  });

  it('pages neither repeat nor skip while the log grows', async () => {
    const own = await openLog();
    try {
      await offerMany(own, 25);
      await own.sequencer().drain();
      for (const order of ['newest', 'oldest'] as const) {
        const { size } = await own.query.head();
        const seen: number[] = [];
        let cursor: string | undefined;
        do {
          const page = await own.query.list({}, { limit: 10, cursor, order });
          seen.push(...page.items.map(({ index }) => index));
          cursor = page.nextCursor ?? undefined;
          if (seen.length < 30) {
            await offerMany(own, 3);
            await own.sequencer().drain();
          }
        } while (cursor !== undefined);
        const all = Array.from({ length: order === 'newest' ? size : seen.length }, (_, index) => index);
        expect(seen).toEqual(order === 'newest' ? all.reverse() : all);
        expect(seen.length).toBeGreaterThanOrEqual(size);
      }
    } finally {
      await own.stop();
    }
  });

  it('says what waits, and for how long', async () => {
    expect(await parts.query.backlog()).toEqual({ count: 0, oldestAgeSeconds: 0 });
    await parts.inbox.record('revocation.held', { caller: CALLER }, {});
    const { count, oldestAgeSeconds } = await parts.query.backlog();
    expect(count).toBe(1);
    expect(oldestAgeSeconds).toBeGreaterThanOrEqual(0);
    expect(oldestAgeSeconds).toBeLessThan(30);
  });
});
