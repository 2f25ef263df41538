import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DEV_AUDIENCE, DEV_ISSUER_NAME } from '../../../src/dev/issuer-names.js';
import { issuerParts } from '../../support/parts.js';
import { until } from '../../support/until.js';
import { startWorld, type World } from '../../support/world.js';

let world: World;
let auditor: string;
let part: string;
let lease: { lease_id: string; account: string };
let account: string;

interface Listed {
  readonly items: { readonly event: Record<string, unknown> }[];
}

async function read<T = Listed>(path: string, token = auditor): Promise<T> {
  const { status, body } = await world.call('GET', path, { token });
  if (status !== 200) throw new Error(`${path} answered ${status}: ${JSON.stringify(body)}`);
  return body as T;
}

beforeAll(async () => {
  const roles = [
    { role: 'admin', claims: { roles: 'admin' } },
    { role: 'auditor', claims: { roles: 'auditor' } },
    { role: 'auditor', claims: { roles: 'part' }, audit: { grants: ['another-grant'] } },
    { role: 'auditor', claims: { roles: 'kinds' }, audit: { kinds: ['run.*'] } },
  ];
  world = await startWorld({
    settings: {
      issuers: [
        {
          name: DEV_ISSUER_NAME,
          url: issuerParts().url,
          audience: DEV_AUDIENCE,
          allowPrivateAddress: true,
          usableFor: ['workload', 'admin'],
          roles,
        },
      ],
    },
  });
  auditor = await world.adminToken(['auditor'], 'auditor');
  part = await world.adminToken(['part'], 'part');
  const runToken = await world.runToken({ runId: 'nightly-42', stepId: 'load' });
  const issued = await world.call('POST', '/v1/leases', {
    token: runToken,
    body: { credential: 'orders-readonly' },
  });
  expect(issued.status).toBe(201);
  lease = issued.body as typeof lease;
  [account = ''] = await world.targetUsers();
  await world.call('DELETE', '/v1/runs/self', { token: runToken });
  await until(
    async () => {
      const { items } = await read<{ items: { to: string | null }[] }>(
        `/v1/audit/held?account=${encodeURIComponent(account)}`,
      );
      return items[0]?.to ?? undefined;
    },
    { deadlineMs: 30_000 },
  );
}, 240_000);
afterAll(() => world.stop());

describe('who held', () => {
  it('finds the run, the step and the workload of a database user', async () => {
    const { items } = await read<{ items: unknown[] }>(
      `/v1/audit/held?account=${encodeURIComponent(account)}`,
    );
    expect(items).toMatchObject([
      {
        credential: 'orders-readonly',
        run_id: 'nightly-42',
        step_id: 'load',
        workload: { subject: 'jobs/nightly-orders', claims: expect.any(Object) as unknown },
        grant: {
          name: 'nightly-orders',
          version: 1,
          decisions: [{ kind: 'grant.created', subject: 'alice' }],
        },
        state: 'revoked',
        cause: 'run_closed',
        proof: 'lease_gone+accessor_revoked',
      },
    ]);
  });

  it('is recorded without the name of the user', async () => {
    const recorded = await until(async () => {
      const { items } = await read('/v1/audit/events?kind=audit.read&actor=auditor');
      const held = items.filter(({ event }) => (event['data'] as { read: string }).read === 'held');
      return held.length > 0 ? held : undefined;
    });
    // Asked again and again while it was waited for: one read.
    expect(recorded).toHaveLength(1);
    expect(JSON.stringify(recorded)).not.toContain(account);
    expect(recorded[0]?.event['data']).toMatchObject({
      filters: [expect.stringMatching(/^account=[0-9a-f]{64}$/)],
    });
  });
});

describe('the story of a run', () => {
  it('is not found, where there is none', async () => {
    const { status } = await world.call('GET', '/v1/audit/runs/no-such/story', { token: auditor });
    expect(status).toBe(404);
  });

  it('tells everything from the exchange to the proof, page by page', async () => {
    interface Page {
      run: Record<string, unknown>;
      sums: { kinds: Record<string, number> } | null;
      items: { kind: string; says: string; index: number }[];
      next_cursor: string | null;
    }
    const pages: Page[] = [];
    let cursor = '';
    do {
      const page = await read<Page>(`/v1/audit/runs/nightly-42/story?limit=2${cursor}`);
      pages.push(page);
      cursor = page.next_cursor === null ? '' : `&cursor=${page.next_cursor}`;
    } while (cursor !== '');
    const items = pages.flatMap((page) => page.items);
    const kinds = items.map(({ kind }) => kind);
    for (const kind of [
      'run.opened',
      'exchange.accepted',
      'lease.requested',
      'lease.issued',
      'run.closed',
      'lease.ended',
    ])
      expect(kinds).toContain(kind);
    expect(kinds.at(-1)).toBe('lease.ended');
    expect(items.map(({ index }) => index)).toEqual(items.map(({ index }) => index).sort((a, b) => a - b));
    expect(items.at(-1)?.says).toMatch(
      /^orders-readonly ended \(revoked, run closed\); proof: lease gone and accessor revoked/,
    );
    expect(pages[0]?.run).toMatchObject({ run_id: 'nightly-42', ended: 'run.closed' });
    expect(pages[0]?.sums?.kinds['lease.issued']).toBe(1);
    expect(pages[1]?.sums).toBeNull();
  });
});

describe('counts', () => {
  it('say how many, and when', async () => {
    expect(await read('/v1/audit/count?kind=lease.issued&run=nightly-42')).toEqual({ count: 1, exact: true });
    expect(await read('/v1/audit/count?at_most=1')).toEqual({ count: 1, exact: false });
    const histogram = await read<{ steps: { value: string; count: number }[] }>(
      '/v1/audit/histogram?interval=1h&by=kind&run=nightly-42',
    );
    expect(histogram.steps).toContainEqual(expect.objectContaining({ value: 'lease.issued', count: 1 }));
    const { status } = await world.call('GET', '/v1/audit/histogram?interval=1s', { token: auditor });
    expect(status).toBe(422);
  });
});

describe('an auditor of a part', () => {
  it.each(['/v1/audit/events', '/v1/audit/held?credential=orders-readonly'])(
    'sees nothing of others in %s',
    async (path) => {
      expect((await read(path, part)).items).toEqual([]);
    },
  );

  it('counts nothing, exports nothing, hears no story, and reads no tiles', async () => {
    expect(await read('/v1/audit/count', part)).toEqual({ count: 0, exact: true });
    const exported = await world.call('GET', '/v1/audit/export', { token: part });
    expect(JSON.stringify(exported.body)).not.toContain(lease.lease_id);
    expect((await world.call('GET', '/v1/audit/runs/nightly-42/story', { token: part })).status).toBe(404);
    expect(await world.call('GET', '/log/tile/entries/000.p/1', { token: part })).toMatchObject({
      status: 403,
      body: { code: 'role_required' },
    });
  });

  it('sees the kinds that are named', async () => {
    const { items } = await read('/v1/audit/events', await world.adminToken(['kinds'], 'kinds'));
    expect(new Set(items.map(({ event }) => event['kind']))).toEqual(new Set(['run.opened', 'run.closed']));
  });
});
