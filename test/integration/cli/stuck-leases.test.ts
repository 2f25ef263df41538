import { mkdtempSync, rmSync } from 'node:fs';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { DATABASE_ROLE } from '../../../src/dev/engines.js';
import type { AuditRecordView, ForgottenLeaseView, LeaseView } from '../../../src/sdk/api-types.js';
import type { ApiAnswer } from '../../support/api-call.js';
import { until } from '../../support/until.js';
import { startWorld, type World } from '../../support/world.js';
import { compileCli, type CompiledCli } from '../../unit/cli/compiled-cli.js';
import { start, type Ended } from './program.js';

// Each command is a process, and the machine may be busy.
vi.setConfig({ testTimeout: 240_000 });

const NOBODY = '0198c0de-0000-7000-8000-000000000000';
const REASON = 'the server is gone, DBA-1234';
let world: World;
let cli: CompiledCli;
const folder = mkdtempSync(join(tmpdir(), 'leasegate-stuck-'));

beforeAll(async () => {
  cli = compileCli();
  world = await startWorld({ settings: { leases: { stuckAfterAttempts: 3, revokeWaitMs: 5_000 } } });
});
afterAll(async () => {
  cli.remove();
  rmSync(folder, { recursive: true });
  await world.stop();
});
beforeEach(() => target('works'));

/** Whether the target drops users when Vault asks for it. */
async function target(state: 'works' | 'refuses'): Promise<void> {
  const path = `${world.names.mounts.database}/roles/${DATABASE_ROLE}`;
  const role = await world.vault.call('GET', path);
  const drop = ['ALTER ROLE "{{name}}" NOLOGIN', 'DROP ROLE IF EXISTS "{{name}}"'];
  const refuse = [`DO $$ BEGIN RAISE 'the target says no to {{name}}'; END $$`];
  await world.vault.call('POST', path, {
    ...role,
    revocation_statements: state === 'works' ? drop : refuse,
  });
}

async function leased(): Promise<string> {
  const answer = await world.call('POST', '/v1/leases', {
    token: await world.runToken({ runId: randomUUID() }),
    body: { credential: 'orders-readonly' },
  });
  expect(answer.status).toBe(201);
  return (answer.body as { lease: LeaseView }).lease.id;
}

async function ask(path: string, body: object, roles: readonly string[], key?: string): Promise<ApiAnswer> {
  const headers = key === undefined ? {} : { 'idempotency-key': key };
  return world.call('POST', path, { token: await world.adminToken(roles), body, headers });
}

async function read(id: string): Promise<LeaseView> {
  const token = await world.adminToken();
  return (await world.call('GET', `/v1/leases/${id}`, { token })).body as LeaseView;
}

/** A lease whose revocation failed as often as it takes, at a target that still refuses. */
async function stuck(): Promise<LeaseView> {
  const id = await leased();
  await target('refuses');
  expect((await ask(`/v1/leases/${id}/revoke`, {}, ['admin'])).status).toBe(200);
  await until(async () => (await read(id)).attempts >= 3, { what: 'three attempts', deadlineMs: 60_000 });
  return read(id);
}

async function events(id: string, kind: string): Promise<readonly AuditRecordView[]> {
  const token = await world.adminToken(['auditor']);
  const path = `/v1/audit/events?lease=${id}&kind=${kind}`;
  return ((await world.call('GET', path, { token })).body as { items: AuditRecordView[] }).items;
}

async function run(words: readonly string[], roles: readonly string[] = ['admin']): Promise<Ended> {
  const environment = {
    LEASEGATE_URL: world.baseUrl,
    LEASEGATE_TOKEN: await world.adminToken(roles),
    XDG_CONFIG_HOME: folder,
  };
  return start(cli, words, environment).ended();
}

describe('by HTTP', () => {
  it('trying again and forgetting are refused: who may not, what there is not, what is not stuck', async () => {
    const id = await leased();
    const body = { reason: REASON };
    for (const act of ['retry', 'forget'])
      expect(await world.call('POST', `/v1/leases/${id}/${act}`, { body })).toMatchObject({ status: 401 });
    const refused = async (
      act: string,
      of: string,
      roles: readonly string[],
      sent: object,
    ): Promise<readonly unknown[]> => {
      const { status, body: said } = await ask(`/v1/leases/${of}/${act}`, sent, roles);
      return [status, (said as { code: string }).code];
    };
    expect(await refused('retry', id, ['auditor'], body)).toEqual([403, 'role_required']);
    // Trying again is an operator's; giving up is not.
    expect(await refused('forget', id, ['operator'], body)).toEqual([403, 'role_required']);
    expect(await refused('forget', id, ['admin'], {})).toEqual([422, 'request_invalid']);
    expect(await refused('forget', id, ['admin'], { reason: '' })).toEqual([422, 'request_invalid']);
    for (const act of ['retry', 'forget']) {
      expect(await refused(act, NOBODY, ['admin'], body)).toEqual([404, 'not_found']);
      expect(await refused(act, id, ['admin'], body)).toEqual([409, 'state_transition_refused']);
    }
    expect((await read(id)).state).toBe('active');
    for (const kind of ['lease.retry_requested', 'lease.forgotten'])
      expect(await events(id, kind)).toEqual([]);
    // Proved dead: nothing is left to give up on.
    expect((await ask(`/v1/leases/${id}/revoke`, {}, ['admin'])).status).toBe(200);
    expect(await refused('forget', id, ['admin'], body)).toEqual([409, 'state_transition_refused']);
    expect((await ask(`/v1/leases/${id}/retry`, {}, ['operator'])).body).toMatchObject({ state: 'revoked' });
  });

  it('a retry is recorded, says how it went, and proves the end once the target is back', async () => {
    const { id, attempts } = await stuck();
    const key = randomUUID();
    const tried = await ask(`/v1/leases/${id}/retry`, { reason: REASON }, ['operator'], key);
    expect(tried).toMatchObject({ status: 200, body: { state: 'revoking', proof: null } });
    expect((tried.body as LeaseView).attempts).toBeGreaterThan(attempts);
    expect((tried.body as LeaseView).last_error).not.toBeNull();
    // The same request again is the same request.
    await ask(`/v1/leases/${id}/retry`, { reason: REASON }, ['operator'], key);
    await until(async () => (await events(id, 'lease.retry_requested')).length > 0);
    expect(await events(id, 'lease.retry_requested')).toMatchObject([
      { event: { data: { reason: REASON } } },
    ]);
    await target('works');
    const proved = await ask(`/v1/leases/${id}/retry`, {}, ['operator']);
    expect(proved.body).toMatchObject({ state: 'revoked', proof: 'lease_gone+accessor_revoked' });
  });

  it('forgetting proves nothing, and answer and event say what may be alive', async () => {
    const { id } = await stuck();
    const users = await world.targetUsers();
    const answer = await ask(`/v1/leases/${id}/forget`, { reason: REASON }, ['admin']);
    expect(answer).toMatchObject({
      status: 200,
      body: {
        lease: { state: 'forgotten', proof: null },
        may_be_alive: { mount: world.names.mounts.database },
      },
    });
    const { may_be_alive: alive } = answer.body as ForgottenLeaseView;
    expect(users).toContain(alive.account);
    expect(new Date(alive.vault_ends_it_at).getTime()).toBeGreaterThan(Date.now());
    const [told] = await until(async () => {
      const found = await events(id, 'lease.forgotten');
      return found.length > 0 ? found : undefined;
    });
    expect(told).toMatchObject({
      event: {
        actor: { type: 'admin', subject: 'alice' },
        data: { reason: REASON, mount: world.names.mounts.database, account: expect.any(String) as string },
      },
    });
    // It is alive, as it says: nobody has dropped it.
    expect(await world.targetUsers()).toContain(alive.account);
    for (const act of ['forget', 'retry'])
      expect((await ask(`/v1/leases/${id}/${act}`, { reason: REASON }, ['admin'])).status).toBe(409);
    const stillStuck = await world.call('GET', '/v1/leases?stuck=true', { token: await world.adminToken() });
    expect((stillStuck.body as { items: LeaseView[] }).items.map((lease) => lease.id)).not.toContain(id);
  });
});

describe('by the command line', () => {
  it('is refused as by HTTP, with exit codes', async () => {
    const id = await leased();
    const words = [
      { words: ['leases', 'retry', id], roles: ['auditor'], says: 'role_required' },
      { words: ['leases', 'forget', id, '--reason', REASON], roles: ['operator'], says: 'role_required' },
      { words: ['leases', 'retry', NOBODY], roles: ['admin'], says: 'not_found' },
      { words: ['leases', 'retry', id], roles: ['admin'], says: 'state_transition_refused' },
      { words: ['leases', 'forget', id, '--reason', REASON], roles: ['admin'], says: 'not stuck' },
    ];
    for (const each of words) {
      const { exitCode, stdout, stderr } = await run(each.words, each.roles);
      expect([each.words, exitCode, stdout]).toEqual([each.words, 1, '']);
      expect(stderr).toContain(each.says);
    }
    const noReason = await run(['leases', 'forget', id]);
    expect(noReason.exitCode).toBe(2);
    expect(noReason.stderr).toContain('--reason');
    expect((await read(id)).state).toBe('active');
  });

  it('lists what is stuck, tries it, and gives it up', async () => {
    const { id } = await stuck();
    const listed = await run(['leases', 'stuck', '--credential', 'orders-readonly'], ['auditor']);
    expect(listed.exitCode).toBe(0);
    expect(listed.stdout).toMatch(/STUCK SINCE/);
    expect(listed.stdout).toContain(id);
    expect((await run(['leases', 'stuck', '--credential', 'payments-api'])).stdout).not.toContain(id);
    const tried = await run(['leases', 'retry', id, '--reason', REASON], ['operator']);
    expect(tried.exitCode).toBe(1);
    expect(tried.stdout).toContain(id);
    expect(tried.stderr).toContain('not_proved');
    const given = await run(['leases', 'forget', id, '--reason', REASON]);
    expect(given).toMatchObject({ exitCode: 0 });
    const { account } = (
      await world.query<{ account: string }>('SELECT account FROM leases WHERE id = $1', [id])
    )[0] ?? { account: '' };
    expect(given.stdout).toMatch(/state\s+forgotten/);
    expect(given.stdout).toContain(account);
    expect(given.stderr).toContain('nothing proves that this credential is dead');
    expect((await run(['leases', 'stuck'])).stdout).not.toContain(id);

    const other = await stuck();
    await target('works');
    const proved = await run(['leases', 'retry', other.id, '--json'], ['operator']);
    expect(proved.exitCode).toBe(0);
    expect(JSON.parse(proved.stdout)).toMatchObject({ state: 'revoked' });
  });
});
