import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditReach } from '../../../src/audit/audit-reach.js';
import { holdSearch } from '../../../src/audit/held/hold-search.js';
import type { HoldFilters } from '../../../src/audit/held/hold.js';
import { hasCode } from '../../../src/kernel/broker-error.js';
import { systemCaller } from '../../../src/kernel/caller.js';
import { aboutLease, openHeld, type HeldParts, type Told } from './held-parts.js';
import { CALLER } from './log-parts.js';

const at = (time: string): Date => new Date(`2026-11-${time}:00.000Z`);
let parts: HeldParts;
let grant: string;
let other: string;
const stories = new Map<string, Told>();

async function add(name: string, told: Partial<Told> & Pick<Told, 'from'>): Promise<void> {
  const whole = {
    run: parts.ids.uuid(),
    runId: `run-${name}`,
    lease: parts.ids.uuid(),
    grant,
    credential: 'orders-db',
    account: `v-${name}`,
    accessor: `accessor-${name}`,
    ...told,
  };
  stories.set(name, whole);
  await parts.tell(whole);
}

beforeAll(async () => {
  parts = await openHeld();
  grant = parts.ids.uuid();
  other = parts.ids.uuid();
  for (const [id, name, labels] of [
    [grant, 'deployers', { team: 'shop' }],
    [other, 'reports', { team: 'data' }],
  ] as const) {
    await parts.dataSource.query(
      `INSERT INTO grants (id, name, state, version, issuer, labels, created_at, created_by, updated_at)
       VALUES ($1, $2, 'active', 2, 'ci', $3, now(), 'alice', now())`,
      [id, name, JSON.stringify(labels)],
    );
  }
  parts.times.at = at('01T08:00');
  const decided = { caller: CALLER, grant: { id: grant, name: 'deployers' } };
  await parts.told.record('grant.changed', decided, { version: 2, state: 'pending_approval' });
  await parts.told.record('grant.approved', decided, { version: 2 });
  await add('past', { from: at('02T10:00'), to: at('02T10:10') });
  await add('long', { from: at('01T00:00'), to: at('20T00:00') });
  await add('present', { from: at('02T10:05'), grant: other, grantName: 'reports' });
  await add('given-up', { from: at('02T09:00'), to: at('02T09:30'), forgotten: true });
  await add('known', { from: at('02T07:00'), to: at('02T07:10'), livesOn: true, credential: 'payments-kv' });
  await add('certificate', {
    from: at('03T07:00'),
    to: at('03T07:10'),
    credential: 'tls',
    account: '0a:bc:de:01',
  });
  await add('through-gateway', { from: at('04T07:00'), credential: 'openai', delivery: 'gateway' });
  const gateway = stories.get('through-gateway') as Told;
  const { leaseId: _lease, ...call } = aboutLease(gateway);
  for (const time of ['04T07:01', '04T07:02']) {
    parts.times.at = at(time);
    await parts.told.record(
      'call.started',
      { ...call, tool: { name: 'chat' } },
      {
        call_id: parts.ids.uuid(),
        method: 'POST',
        host: 'api.example',
        url: 'https://api.example/chat',
        request_bytes: 10,
        reserved_micros: 1,
        deadline: at('04T08:00').toISOString(),
      },
    );
  }
  parts.times.at = at('02T10:00');
  const past = stories.get('past') as Told;
  await parts.told.record('run.opened', aboutLease(past), {
    deadline: at('02T11:00').toISOString(),
    claims: { repository: 'shop/orders', ref: 'refs/heads/main' },
  });
  await parts.told.record(
    'run.closed',
    { ...aboutLease(past), caller: systemCaller('worker', 'req') },
    { leases: 1 },
  );
  await parts.sequence();
});
afterAll(() => parts.stop());

async function held(filters: HoldFilters, reach: AuditReach = 'everything'): Promise<(string | undefined)[]> {
  const { items } = await parts.whoHeld.list(filters, reach, { limit: 50 });
  return items.map(({ leaseId }) => [...stories].find(([, { lease }]) => lease === leaseId)?.[0]);
}

describe('who held', () => {
  it.each<[string, HoldFilters, string | undefined]>([
    ['nothing', {}, undefined],
    ['a time alone', { at: at('02T10:00') }, undefined],
    ['a moment and a span', { credential: 'x', at: at('02T10:00'), from: at('02T10:00') }, undefined],
    [
      'a span that ends before it begins',
      { credential: 'x', from: at('02T10:00'), to: at('01T10:00') },
      undefined,
    ],
    ['a lease that is no id', { lease: 'x' }, undefined],
    ['a serial that is none', { serial: 'nonsense' }, undefined],
    ['a foreign cursor', { credential: 'x' }, 'x'],
    ['a cursor of another list', { credential: 'x' }, Buffer.from('["newest",1]').toString('base64url')],
  ])('refuses %s', async (_, filters, cursor) => {
    const error: unknown = await parts.whoHeld
      .list(filters, 'everything', { limit: 5, cursor })
      .catch((thrown: unknown) => thrown);
    expect(hasCode(error, 'request_invalid')).toBe(true);
  });

  it.each<[HoldFilters, string[]]>([
    [{ credential: 'orders-db' }, ['present', 'past', 'given-up', 'long']],
    [{ credential: 'orders-db', at: at('02T10:07') }, ['present', 'past', 'given-up', 'long']],
    [{ credential: 'orders-db', at: at('02T10:10') }, ['present', 'given-up', 'long']],
    [{ credential: 'orders-db', at: at('02T08:00') }, ['long']],
    [{ credential: 'orders-db', at: at('21T00:00') }, ['present', 'given-up']],
    [{ credential: 'orders-db', from: at('02T09:50'), to: at('02T10:01') }, ['past', 'given-up', 'long']],
    [{ credential: 'orders-db', to: at('02T10:05') }, ['past', 'given-up', 'long']],
    [{ credential: 'no-such', at: at('02T10:07') }, []],
    [{ account: 'v-past' }, ['past']],
    [{ account: 'v-past', at: at('02T10:30') }, []],
    [{ accessor: 'accessor-present', at: at('03T00:00') }, ['present']],
    [{ serial: '0ABCDE01' }, ['certificate']],
    [{ serial: '0a:bc:de:01', at: at('03T07:05') }, ['certificate']],
    [{ credential: 'payments-kv' }, ['known']],
  ])('%j', async (filters, expected) => {
    expect(await held(filters)).toEqual(expected);
  });

  it('says run, step, workload with its claims, the grant and who approved it, and how it ended', async () => {
    const { items, completeTo } = await parts.whoHeld.list({ account: 'v-past' }, 'everything', { limit: 5 });
    const { size } = await parts.query.head();
    expect(completeTo).toBe(size);
    expect(items[0]).toMatchObject({
      credential: 'orders-db',
      runId: 'run-past',
      stepId: 'deploy',
      workload: { issuer: 'https://ci.example', subject: 'repo:a' },
      claims: { repository: 'shop/orders', ref: 'refs/heads/main' },
      grant: {
        name: 'deployers',
        version: 2,
        approvedBy: 'alice',
        decisions: [
          { kind: 'grant.changed', subject: 'alice', index: 0 },
          { kind: 'grant.approved', subject: 'alice', index: 1 },
        ],
      },
      from: at('02T10:00'),
      to: at('02T10:10'),
      state: 'revoked',
      cause: 'run_closed',
      proof: 'lease_gone+accessor_revoked',
      secretLivesOn: false,
      usesComplete: true,
    });
    expect(items[0]?.indexes.ended).toBeGreaterThan(items[0]?.indexes.issued ?? Infinity);
  });

  it('says that a secret lives on, and never that what was given up is dead', async () => {
    const [known] = (await parts.whoHeld.list({ credential: 'payments-kv' }, 'everything', { limit: 1 }))
      .items;
    expect(known).toMatchObject({ secretLivesOn: true, to: at('02T07:10') });
    const [given] = (await parts.whoHeld.list({ account: 'v-given-up' }, 'everything', { limit: 1 })).items;
    expect(given).toMatchObject({ state: 'forgotten', to: null });
  });

  it('counts what the gateway did with it', async () => {
    const [hold] = (await parts.whoHeld.list({ credential: 'openai' }, 'everything', { limit: 1 })).items;
    expect(hold?.uses).toMatchObject([
      { kind: 'call.started', events: 2, firstAt: at('04T07:01'), lastAt: at('04T07:02') },
    ]);
  });

  it.each<[AuditReach, string[]]>([
    [[], []],
    [[{ grants: ['reports'] }], ['present']],
    [[{ grants: [] }], []],
    [[{ labels: { team: 'shop' } }], ['past', 'given-up', 'long']],
    [[{ labels: { team: 'none' } }], []],
    [[{ kinds: ['run.*'] }], []],
    [[{ kinds: ['lease.*'], grants: ['reports'] }], ['present']],
    [
      [{ grants: ['reports'] }, { labels: { team: 'shop' } }],
      ['present', 'past', 'given-up', 'long'],
    ],
  ])('within the reach %j', async (reach, expected) => {
    expect(await held({ credential: 'orders-db' }, reach)).toEqual(expected);
  });

  it('pages in the order of time, and tells the same when it is told again', async () => {
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await parts.whoHeld.list({ credential: 'orders-db', at: at('02T10:07') }, 'everything', {
        limit: 1,
        cursor,
      });
      seen.push(...page.items.map(({ leaseId }) => leaseId));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    expect(seen).toHaveLength(4);
    expect(new Set(seen).size).toBe(4);
    const before = await parts.dataSource.query<object[]>('SELECT * FROM lease_holds ORDER BY lease_id');
    await parts.dataSource.query('UPDATE hold_cursor SET next_index = 0');
    await parts.follower.catchUp(100);
    expect(await parts.dataSource.query<object[]>('SELECT * FROM lease_holds ORDER BY lease_id')).toEqual(
      before,
    );
  });

  it('finds few among many by index, in time that does not depend on how many there were', async () => {
    await parts.dataSource.query(
      `INSERT INTO lease_holds (lease_id, credential, account_hmac, run_ref, grant_id, held_from, ended_at, end_state, first_idx)
       SELECT gen_random_uuid(), 'busy', md5(n::text), gen_random_uuid(), $1,
         timestamptz '2026-01-01' + n * interval '10 seconds',
         timestamptz '2026-01-01' + n * interval '10 seconds' + interval '15 minutes', 'revoked', n
       FROM generate_series(1, 40000) n`,
      [grant],
    );
    await parts.dataSource.query('ANALYZE lease_holds');
    for (const filters of [
      { credential: 'busy', at: new Date('2026-01-03T00:00:00Z') },
      { credential: 'busy', from: new Date('2026-01-02T00:00:00Z'), to: new Date('2026-01-04T00:00:00Z') },
      { account: 'anybody', at: new Date('2026-01-03T00:00:00Z') },
    ]) {
      const { sql, parameters } = holdSearch(filters, 'everything', { limit: 51 }, (value) => value);
      const [row] = await parts.dataSource.query<{ 'QUERY PLAN': Plan[] }[]>(
        `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ${sql}`,
        [...parameters],
      );
      const plan = row?.['QUERY PLAN'][0]?.Plan;
      if (plan === undefined) throw new Error('no plan');
      const scans = nodesOf(plan).filter((node) => node['Relation Name'] === 'lease_holds');
      expect(scans.length).toBeGreaterThan(0);
      for (const scan of scans) expect(scan['Node Type']).not.toBe('Seq Scan');
      // 90 are held at a moment; the pages read are those few and the way to them.
      expect(plan['Shared Hit Blocks'] + plan['Shared Read Blocks']).toBeLessThan(400);
    }
  });
});

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly Plans?: readonly PlanNode[];
}
interface Plan {
  readonly Plan: PlanNode;
}

function nodesOf(node: PlanNode): PlanNode[] {
  return [node, ...(node.Plans ?? []).flatMap(nodesOf)];
}
