import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ApiAnswer } from '../../support/api-call.js';
import { until } from '../../support/until.js';
import { startWorld, WORKER_SUBJECT, type World } from '../../support/world.js';
import { issuerParts } from '../../support/parts.js';

let world: World;

beforeAll(async () => {
  world = await startWorld({ settings: { revocations: { confirmAbove: 3 } } });
});
afterAll(() => world.stop());

const NOWHERE = '01a1fbd5-ff8b-73d3-ad1f-79f9c26d0c98';

interface Progress {
  readonly id: string | null;
  readonly state: string;
  readonly cause: string | null;
  readonly leases: number;
  readonly proved: number;
  readonly outstanding: number;
  readonly runs: number | null;
  readonly mounts: readonly { readonly mount: string; readonly leases: number; readonly proved: number }[];
}

async function admin(method: string, path: string, body?: unknown, roles?: string[]): Promise<ApiAnswer> {
  const token = await world.adminToken(roles);
  return world.call(method, path, { token, ...(body === undefined ? {} : { body }) });
}
const kill = (body: unknown, roles?: string[]): Promise<ApiAnswer> =>
  admin('POST', '/v1/revocations', body, roles);
const progressOf = (answer: ApiAnswer): Progress => answer.body as Progress;
const codeOf = ({ status, body }: ApiAnswer): string =>
  `${status} ${String((body as { code?: unknown }).code)}`;

/** A grant of its own, for a subject of its own. */
async function grantFor(name: string, labels: Readonly<Record<string, string>> = {}): Promise<string> {
  const claims = { sub: `${WORKER_SUBJECT}/${name}` };
  const grant = (await world.createGrant({ name, labels, workload: { claims } })) as { id: string };
  return grant.id;
}
async function runOf(grant: string, runId = 'run-1'): Promise<string> {
  const subjectToken = await world.workerToken({ sub: `${WORKER_SUBJECT}/${grant}` });
  return world.runToken({ runId, subjectToken });
}
const lease = (token: string, credential = 'orders-readonly'): Promise<ApiAnswer> =>
  world.call('POST', '/v1/leases', { token, body: { credential } });
const ownRun = async (token: string): Promise<string> => {
  const { body } = await world.call('GET', '/v1/runs/self', { token });
  return (body as { run: { id: string } }).run.id;
};
const eventsOf = async (kind: string): Promise<readonly Record<string, unknown>[]> => {
  const rows = await until(async () => {
    const found = await world.query<{ leaf: Buffer }>(
      'SELECT leaf FROM audit_entry WHERE kind = $1 ORDER BY idx',
      [kind],
    );
    return found.length > 0 ? found : undefined;
  });
  return rows.map(({ leaf }) => JSON.parse(leaf.toString('utf8')) as Record<string, unknown>);
};

describe('refuses', () => {
  it('what names nothing, or more than one thing', async () => {
    for (const selector of [{}, { run: NOWHERE, credential: 'orders-readonly' }, { label: 'no-value' }])
      expect(codeOf(await kill({ selector }))).toBe('422 request_invalid');
  });

  it('what there is not', async () => {
    for (const selector of [{ run: NOWHERE }, { grant: 'nobody' }, { credential: 'nothing' }]) {
      expect(codeOf(await kill({ selector }))).toBe('404 not_found');
      expect(codeOf(await kill({ selector, dry_run: true }))).toBe('404 not_found');
    }
    expect(codeOf(await kill({ selector: { issuer: 'nobody' }, reason: 'x' }))).toBe('422 request_invalid');
  });

  it('a block without a reason, and blocks nothing', async () => {
    const before = (await admin('GET', '/v1/blocks')).body;
    for (const selector of [
      { issuer: 'dev' },
      { workload: { issuer: 'dev', subject: 'anybody' } },
      { target: world.names.mounts.kv },
    ])
      expect(codeOf(await kill({ selector }))).toBe('422 request_invalid');
    expect((await admin('GET', '/v1/blocks')).body).toEqual(before);
  });

  it('to an operator what needs an admin', async () => {
    for (const body of [
      { selector: { credential: 'orders-readonly' } },
      { selector: { target: world.names.mounts.kv }, reason: 'x' },
      { selector: { grant: 'nightly-orders' }, grants: 'revoke' },
    ])
      expect(codeOf(await kill(body, ['operator']))).toBe('403 role_required');
  });

  it('many leases at once without a confirmation, with one for another selector, and with one without a reason', async () => {
    await grantFor('many');
    const token = await runOf('many');
    for (let count = 0; count < 4; count += 1) await lease(token, 'payments-api');
    const run = await ownRun(token);
    const refused = await kill({ selector: { run } });
    expect(refused).toMatchObject({ status: 409, body: { code: 'confirmation_required', leases: 4 } });
    const { confirmation } = refused.body as { confirmation: string };
    const forged = { selector: { grant: 'many' }, reason: 'x', confirmation };
    expect(codeOf(await kill(forged))).toBe('409 confirmation_required');
    expect(codeOf(await kill({ selector: { run }, confirmation }))).toBe('422 request_invalid');
    const other = await world.call('POST', '/v1/revocations', {
      token: await world.adminToken(['admin'], 'somebody-else'),
      body: { selector: { run }, reason: 'x', confirmation },
    });
    expect(codeOf(other)).toBe('409 confirmation_required');
    expect((await lease(token, 'payments-api')).status).toBe(201);

    // The fifth is still within what was confirmed: up to the next power of two would be, and 4 is one itself.
    expect(codeOf(await kill({ selector: { run }, reason: 'x', confirmation }))).toBe(
      '409 confirmation_required',
    );
    const again = (await kill({ selector: { run } })).body as { confirmation: string };
    const done = await kill({ selector: { run }, reason: 'leak', confirmation: again.confirmation });
    expect(done).toMatchObject({
      status: 200,
      body: { leases: 5, proved: 5, outstanding: 0, state: 'done' },
    });
  });
});

describe('a dry run', () => {
  it('says what would end, and ends nothing', async () => {
    await grantFor('dry');
    const token = await runOf('dry');
    await lease(token);
    await lease(token, 'payments-api');
    const run = await ownRun(token);
    const { database, kv } = world.names.mounts;
    for (const selector of [{ run }, { grant: 'dry' }]) {
      const answer = progressOf(await kill({ selector, dry_run: true }));
      expect(answer).toMatchObject({ id: null, state: 'preview', leases: 2, runs: 1 });
      expect(answer.mounts.map(({ mount, leases }) => [mount, leases])).toEqual(
        [
          [database, 1],
          [kv, 1],
        ].sort(),
      );
    }
    expect((await lease(token)).status).toBe(201);
    await kill({ selector: { run } });
  });
});

describe('a kill', () => {
  it('of a run ends it, proves its leases dead at the target, and can be watched', async () => {
    await grantFor('of-run');
    const token = await runOf('of-run');
    const users = (await world.targetUsers()).length;
    await lease(token);
    await lease(token);
    expect((await world.targetUsers()).length).toBe(users + 2);
    const run = await ownRun(token);
    const answer = await kill({ selector: { run }, reason: 'leaked' });
    expect(answer).toMatchObject({
      status: 200,
      body: { state: 'done', cause: 'run_revoked', leases: 2, proved: 2, outstanding: 0 },
    });
    expect((await world.targetUsers()).length).toBe(users);
    expect(codeOf(await lease(token))).toBe('403 run_closed');
    expect(answer.headers.get('location')).toBe(`/v1/revocations/${progressOf(answer).id}`);
    const watched = await admin('GET', answer.headers.get('location') ?? '');
    expect(watched.body).toEqual(answer.body);
    const list = (await admin('GET', '/v1/revocations?state=done')).body as { items: Progress[] };
    expect(list.items.map(({ id }) => id)).toContain(progressOf(answer).id);
    // Once more is no error: nothing is left of it.
    expect((await kill({ selector: { run } })).body).toMatchObject({ state: 'done', leases: 0 });
  });

  it('of a grant suspends it, or revokes it when asked', async () => {
    await grantFor('of-grant');
    const token = await runOf('of-grant');
    await lease(token);
    expect((await kill({ selector: { grant: 'of-grant' } })).body).toMatchObject({
      cause: 'grant_suspended',
      proved: 1,
    });
    expect(codeOf(await lease(token))).toBe('403 grant_not_active');
    await admin('POST', '/v1/grants/of-grant/resume', {});
    expect((await lease(token)).status).toBe(201);
    expect((await kill({ selector: { grant: 'of-grant' }, grants: 'revoke' })).body).toMatchObject({
      cause: 'grant_revoked',
      proved: 1,
    });
    expect((await admin('GET', '/v1/grants/of-grant')).body).toMatchObject({ state: 'revoked' });
  });

  it('of a label suspends every grant that has it, and no other', async () => {
    await grantFor('team-a-1', { team: 'a' });
    await grantFor('team-a-2', { team: 'a' });
    await grantFor('team-b', { team: 'b' });
    const tokens = await Promise.all(['team-a-1', 'team-a-2', 'team-b'].map((name) => runOf(name)));
    for (const token of tokens) await lease(token);
    const { body } = await kill({ selector: { label: 'team=a' }, reason: 'team a is out' });
    expect(body).toMatchObject({ state: 'done', outstanding: 0, selector: { label: 'team=a' } });
    expect(await Promise.all(tokens.map(async (token) => codeOf(await lease(token))))).toEqual([
      '403 grant_not_active',
      '403 grant_not_active',
      '201 undefined',
    ]);
  });

  it('of single leases ends them and leaves the run alone', async () => {
    await grantFor('of-leases');
    const token = await runOf('of-leases');
    const { id } = ((await lease(token)).body as { lease: { id: string } }).lease;
    const { body } = await kill({ selector: { leases: [id] }, reason: 'odd' });
    expect(body).toMatchObject({ state: 'done', cause: 'admin', leases: 1, proved: 1 });
    expect((await lease(token)).status).toBe(201);
  });

  it('of a credential disables it for every grant', async () => {
    await grantFor('of-credential');
    const token = await runOf('of-credential');
    await lease(token, 'internal-tls');
    const { body } = await kill({ selector: { credential: 'internal-tls' }, reason: 'CA is lost' });
    expect(body).toMatchObject({ cause: 'credential_disabled', outstanding: 0 });
    expect(codeOf(await lease(token, 'internal-tls'))).toBe('403 credential_disabled');
    await admin('POST', '/v1/credentials/internal-tls/enable', {});
  });

  it('says in the log who asked for what and what came of it', async () => {
    const [requested] = await eventsOf('revocation.requested');
    expect(requested).toMatchObject({ actor: { subject: 'alice' }, data: { selector: {}, leases: 0 } });
    const completed = await eventsOf('revocation.completed');
    expect(completed.length).toBeGreaterThan(0);
  });
});

describe('a blocked workload', () => {
  it('gets no run and no lease until the block is lifted, and others go on', async () => {
    await grantFor('blocked');
    await grantFor('not-blocked');
    const [token, other] = await Promise.all([runOf('blocked'), runOf('not-blocked')]);
    await lease(token);
    const subject = `${WORKER_SUBJECT}/blocked`;
    const answer = await kill({ selector: { workload: { issuer: 'dev', subject } }, reason: 'stolen token' });
    expect(answer.body).toMatchObject({
      state: 'done',
      cause: 'workload_blocked',
      leases: 1,
      proved: 1,
      selector: { issuer: issuerParts().url, subject },
    });
    expect(codeOf(await lease(token))).toBe('403 run_closed');
    await expect(runOf('blocked', 'run-2')).rejects.toThrow('workload_blocked');
    expect((await lease(other)).status).toBe(201);

    const { items } = (await admin('GET', '/v1/blocks?standing=true')).body as {
      items: { id: string; kind: string; subject: string }[];
    };
    const block = items.find((each) => each.subject === subject);
    expect(block?.kind).toBe('workload');
    const path = `/v1/blocks/${block?.id}?reason=rotated`;
    expect(codeOf(await admin('DELETE', path, undefined, ['operator']))).toBe('403 role_required');
    expect((await admin('DELETE', path)).status).toBe(200);
    expect(codeOf(await admin('DELETE', path))).toBe('409 state_transition_refused');
    expect((await lease(await runOf('blocked', 'run-3'))).status).toBe(201);
    const [lifted] = await eventsOf('block.lifted');
    expect(lifted).toMatchObject({ actor: { subject: 'alice' }, data: { reason: 'rotated' } });
  });

  it('is let in again when the block’s time is up', async () => {
    await grantFor('for-a-while');
    const until_ = new Date(Date.now() + 8_000).toISOString();
    const subject = `${WORKER_SUBJECT}/for-a-while`;
    const blocked = await admin('POST', '/v1/blocks', {
      workload: { issuer: 'dev', subject },
      reason: 'cool down',
      until: until_,
    });
    expect(blocked).toMatchObject({ status: 201, body: { block: { kind: 'workload', subject } } });
    await expect(runOf('for-a-while')).rejects.toThrow('workload_blocked');
    await until(() => runOf('for-a-while'), { deadlineMs: 60_000 });
    await until(async () => {
      const { items } = (await admin('GET', '/v1/blocks?standing=false')).body as {
        items: { subject: string }[];
      };
      return items.some((each) => each.subject === subject);
    });
  });
});

describe('a blocked target', () => {
  it('leases nothing and enables nothing until it is lifted, which enables exactly what it disabled', async () => {
    const { database, kv } = world.names.mounts;
    await grantFor('of-target');
    const token = await runOf('of-target');
    await lease(token);
    const wanted = { selector: { target: database }, reason: 'the database is taken over' };
    const { confirmation } = (await kill(wanted)).body as { confirmation: string };
    const answer = await kill({ ...wanted, confirmation });
    expect(answer.body).toMatchObject({
      cause: 'target_blocked',
      outstanding: 0,
      selector: { target: database },
    });
    expect(codeOf(await lease(token))).toBe('403 credential_disabled');
    expect((await lease(token, 'payments-api')).status).toBe(201);
    expect(codeOf(await admin('POST', '/v1/credentials/orders-readonly/enable', {}))).toBe(
      '409 target_blocked',
    );
    const added = { name: 'another', kind: 'database', mount: database, path: 'reader' };
    expect(codeOf(await admin('POST', '/v1/credentials', added))).toBe('409 target_blocked');
    expect(kv).not.toBe(database);

    const { items } = (await admin('GET', '/v1/blocks?standing=true')).body as {
      items: { id: string; target: string | null; credentials: string[] }[];
    };
    const block = items.find((each) => each.target === database);
    expect(block?.credentials).toEqual(['orders-readonly']);
    await admin('DELETE', `/v1/blocks/${block?.id}`);
    expect((await lease(token)).status).toBe(201);
  });
});

describe('the other ways of ending', () => {
  it('say where it can be watched', async () => {
    await grantFor('ways');
    const token = await runOf('ways');
    await lease(token);
    const closed = await world.call('DELETE', '/v1/runs/self', { token });
    const { revocation } = closed.body as { revocation: string };
    expect((await admin('GET', `/v1/revocations/${revocation}`)).body).toMatchObject({
      state: 'done',
      cause: 'run_closed',
      leases: 1,
      proved: 1,
    });
    const acts = [
      await admin('POST', '/v1/grants/ways/suspend', {}),
      await admin('POST', '/v1/grants/ways/revoke', {}),
      await admin('POST', '/v1/credentials/internal-tls/disable', {}),
    ];
    for (const act of acts) expect((await admin('GET', act.headers.get('location') ?? '')).status).toBe(200);
    await admin('POST', '/v1/credentials/internal-tls/enable', {});
  });
});

describe('the stream of a revocation', () => {
  it('is not found where there is none', async () => {
    const token = await world.adminToken();
    const headers = { accept: 'text/event-stream' };
    const answer = await world.call('GET', `/v1/revocations/${NOWHERE}`, { token, headers });
    expect(codeOf(answer)).toBe('404 not_found');
  });

  it('shows changes until it is done', async () => {
    await grantFor('stream');
    const token = await runOf('stream');
    await lease(token);
    await admin('POST', '/v1/hold', { reason: 'test' });
    const answer = await kill({ selector: { grant: 'stream' } });
    expect(answer.body).toMatchObject({ state: 'revoking', outstanding: 1, proved: 0 });
    const headers = { accept: 'text/event-stream' };
    const path = `/v1/revocations/${progressOf(answer).id}`;
    const stream = world.call('GET', path, { token: await world.adminToken(), headers });
    await admin('POST', '/v1/hold/release', { reason: 'test' });
    const { body, headers: answered } = await stream;
    expect(answered.get('content-type')).toContain('text/event-stream');
    const events = String(body).trim().split('\n\n');
    expect(events.at(-1)).toMatch(/^event: done\ndata: \{.*"state":"done".*"proved":1/);
  }, 240_000);
});
