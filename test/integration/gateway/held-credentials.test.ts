import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { HeldCredentials } from '../../../src/gateway/inject/held-credentials.js';
import { HeldLeaseWatch } from '../../../src/gateway/inject/lease-watch.js';
import { ToolUse } from '../../../src/gateway/inject/tool-use.js';
import { ToolsOfGrants } from '../../../src/gateway/tool/tools-of-grants.js';
import { ToolCatalogue } from '../../../src/gateway/tool/tool-catalogue.js';
import type { RunIdentity } from '../../../src/identity/run-token.js';
import { BrokerError } from '../../../src/kernel/broker-error.js';
import { SilentLog } from '../../../src/kernel/log.js';
import { until } from '../../support/until.js';
import type { LeaseBroker } from '../lease/lease-broker.js';
import { admin, startLeaseWorld, workerOf, type LeaseWorld } from '../lease/lease-world.js';

const TTL_SECONDS = 120;

let world: LeaseWorld;
let held: HeldCredentials;
let watch: HeldLeaseWatch;
let names: LeaseWorld['mounts']['names'];

beforeAll(async () => {
  world = await startLeaseWorld();
  ({ names } = world.mounts);
  const { broker } = world;
  new ToolUse(broker.decisions, broker.transactions).onModuleInit();
  const tools = new ToolCatalogue(broker.clock, broker.transactions, broker.audit);
  new ToolsOfGrants(broker.grants).onModuleInit();
  for (const name of [names.kv, names.database, names.pki]) {
    const inject = { as: 'bearer', field: 'key' } as const;
    const url = 'https://api.example.com/v1';
    await tools.create(admin, { name: `tool-${name}`, method: 'GET', url, credential: { name, inject } });
  }
  for (const name of [names.kv, names.database]) await offer(name, ['inline', 'gateway']);
});
afterAll(() => world.stop());

beforeEach(() => {
  ({ held, watch } = replicaOf(world.broker));
  world.broker.clock.shiftMs = 0;
  delete world.broker.source.around.createLeaseToken;
});

function replicaOf(broker: LeaseBroker): { held: HeldCredentials; watch: HeldLeaseWatch } {
  const log = new SilentLog();
  const credentials = new HeldCredentials(broker.issue, broker.end, broker.clock, broker.ids, log);
  return { held: credentials, watch: new HeldLeaseWatch(credentials, broker.transactions, log) };
}

async function offer(name: string, deliveries: ('inline' | 'wrapped' | 'gateway')[]): Promise<void> {
  const { version, createdAt, createdBy, updatedAt, enabled, ...spec } =
    await world.broker.catalogue.get(name);
  void [createdAt, createdBy, updatedAt, enabled];
  const parameters = { ...spec.parameters };
  const input = { ...spec, parameters, deliveries, labels: { ...spec.labels } };
  await world.broker.catalogue.change(admin, name, input, version);
}

/** A run whose grant names tools and lists no credential. */
function openRun(
  tools: readonly string[] = [`tool-${names.kv}`, `tool-${names.database}`],
): Promise<RunIdentity> {
  return world.openRun({ credentials: [], tools: tools.map((name) => ({ name })) });
}

function hold(run: RunIdentity, credential: string): ReturnType<HeldCredentials['hold']> {
  return held.hold(run, 'step-1', credential, workerOf(run));
}

async function leasesOf(run: RunIdentity): Promise<{ id: string; state: string; cause: string | null }[]> {
  return world.query(
    `SELECT id, state, revoke_cause AS cause FROM leases WHERE run_ref = $1 AND delivery = 'gateway' ORDER BY id`,
    [run.runRef],
  );
}

describe('a credential is not held', () => {
  it('for a worker: it is never delivered as the gateway has it, whoever asks and whatever is offered', async () => {
    await offer(names.pki, ['gateway']);
    const run = await world.openRun();
    const ask = (credential: string, delivery?: 'gateway'): Promise<unknown> =>
      world.broker.issue.issue(run, { credential, delivery }, workerOf(run));
    await expect(ask(names.kv, 'gateway')).rejects.toMatchObject({ code: 'delivery_refused' });
    await expect(ask(names.pki)).rejects.toMatchObject({ code: 'delivery_refused' });
    const tooled = await openRun();
    await expect(
      world.broker.issue.issue(tooled, { credential: names.kv }, workerOf(tooled)),
    ).rejects.toMatchObject({ code: 'credential_not_granted' });
  });

  it('unless a tool of the grant uses it, which is an event', async () => {
    const run = await openRun([`tool-${names.database}`]);
    await expect(hold(run, names.kv)).rejects.toMatchObject({ code: 'credential_not_granted' });
    const untooled = await world.openRun();
    await expect(hold(untooled, names.kv)).rejects.toMatchObject({ code: 'credential_not_granted' });
    const refused = (await world.events()).filter(({ kind }) => kind === 'lease.refused');
    expect(refused.at(-1)).toMatchObject({ outcome: 'refused', code: 'credential_not_granted' });
  });

  it('when the tool is disabled', async () => {
    const { broker } = world;
    const tools = new ToolCatalogue(broker.clock, broker.transactions, broker.audit);
    const run = await openRun();
    const { version } = await tools.get(`tool-${names.kv}`);
    await tools.disable(admin, `tool-${names.kv}`);
    await expect(hold(run, names.kv)).rejects.toMatchObject({ code: 'credential_not_granted' });
    await tools.enable(admin, `tool-${names.kv}`);
    expect(version).toBe(1);
  });

  it('unless the catalogue offers it to the gateway', async () => {
    await offer(names.pki, ['inline']);
    const run = await openRun([`tool-${names.pki}`]);
    await expect(hold(run, names.pki)).rejects.toMatchObject({ code: 'delivery_refused' });
  });

  it('for a run that has ended or a grant that rests', async () => {
    const { broker } = world;
    const run = await openRun();
    await broker.grants.suspend(admin, run.grantId);
    await expect(hold(run, names.kv)).rejects.toMatchObject({ code: 'grant_not_active' });
    await broker.grants.resume(admin, run.grantId);
    await broker.runs.close(workerOf(run), run.runRef);
    await expect(hold(run, names.kv)).rejects.toMatchObject({ code: 'run_closed' });
  });
});

describe('a held credential', () => {
  it('is one lease for all calls of a run, and another one for another run', async () => {
    const run = await openRun();
    const all = await Promise.all(Array.from({ length: 20 }, () => hold(run, names.kv)));
    expect(new Set(all.map(({ leaseId }) => leaseId)).size).toBe(1);
    expect(all[0]?.data.expose()).toMatchObject({ key: 'marker-secret' });
    expect(await leasesOf(run)).toEqual([{ id: all[0]?.leaseId, state: 'active', cause: null }]);
    const other = await hold(await world.openRunOf(run), names.kv);
    expect(other.leaseId).not.toBe(all[0]?.leaseId);
  });

  it('is a lease like any other: with events, a step, and a login that works', async () => {
    const run = await openRun();
    const { leaseId, data } = await hold(run, names.database);
    expect(await world.canLogIn(data.expose())).toBe(true);
    const events = await world.events(leaseId);
    expect(events.map(({ kind }) => kind)).toEqual(['lease.requested', 'lease.issued']);
    expect(events[1]?.data).toMatchObject({ delivery: 'gateway' });
    expect(JSON.stringify(events)).not.toContain(String(data.expose()['password']));
  });

  it('ends with the run, and cannot be renewed by a worker', async () => {
    const { broker } = world;
    const run = await openRun();
    const { leaseId, data } = await hold(run, names.database);
    await expect(broker.renewal.renew(run, leaseId, {}, workerOf(run))).rejects.toMatchObject({
      code: 'credential_not_granted',
    });
    await broker.runs.close(workerOf(run), run.runRef);
    await watch.look();
    expect(held.leaseIds()).toEqual([]);
    await until(async () => !(await world.canLogIn(data.expose())), { what: 'the end of the account' });
    await expect(hold(run, names.database)).rejects.toMatchObject({ code: 'run_closed' });
  });

  it('is dropped when somebody else ends its lease, and leased anew', async () => {
    const run = await openRun();
    const before = await hold(run, names.kv);
    await watch.look();
    expect((await hold(run, names.kv)).leaseId).toBe(before.leaseId);
    await world.broker.end.revoke(admin, before.leaseId);
    await watch.look();
    expect((await hold(run, names.kv)).leaseId).not.toBe(before.leaseId);
  });

  it('is dropped when its credential is disabled', async () => {
    const run = await openRun();
    await hold(run, names.kv);
    await world.broker.catalogue.disable(admin, names.kv);
    await watch.look();
    await expect(hold(run, names.kv)).rejects.toMatchObject({ code: 'credential_disabled' });
    await world.broker.catalogue.enable(admin, names.kv);
  });

  it('is followed by another before its end, which has what was rotated meanwhile', async () => {
    const run = await openRun();
    const first = await hold(run, names.kv);
    await world.mounts.call('POST', `${world.mounts.kv}/data/api-key`, { data: { key: 'rotated' } });
    world.broker.clock.shiftMs = TTL_SECONDS * 0.7 * 1_000;
    expect((await hold(run, names.kv)).leaseId).toBe(first.leaseId);
    world.broker.clock.shiftMs = TTL_SECONDS * 0.85 * 1_000;
    // The call that notices does not wait for the successor.
    expect((await hold(run, names.kv)).leaseId).toBe(first.leaseId);
    const second = await until(
      async () => {
        const now = await hold(run, names.kv);
        return now.leaseId === first.leaseId ? undefined : now;
      },
      { what: 'the successor' },
    );
    expect(second?.data.expose()).toMatchObject({ key: 'rotated' });
    expect((await leasesOf(run)).map(({ state }) => state)).toEqual(['active', 'active']);
    await world.mounts.call('POST', `${world.mounts.kv}/data/api-key`, { data: { key: 'marker-secret' } });
  });

  it('goes on being used while Vault does not answer, until its end and not beyond', async () => {
    const run = await openRun();
    const first = await hold(run, names.kv);
    const { broker } = world;
    broker.source.around.createLeaseToken = {
      before: () => {
        throw new BrokerError('vault_unavailable');
      },
    };
    broker.clock.shiftMs = TTL_SECONDS * 0.95 * 1_000;
    expect((await hold(run, names.kv)).leaseId).toBe(first.leaseId);
    const asked = broker.source.counts.get('createLeaseToken');
    expect((await hold(run, names.kv)).leaseId).toBe(first.leaseId);
    expect(broker.source.counts.get('createLeaseToken')).toBe(asked);
    broker.clock.shiftMs = TTL_SECONDS * 1_000;
    await expect(hold(run, names.kv)).rejects.toMatchObject({ code: 'vault_unavailable' });
    delete broker.source.around.createLeaseToken;
    expect((await hold(run, names.kv)).leaseId).not.toBe(first.leaseId);
  });

  it('is given back when the process stops', async () => {
    const run = await openRun();
    await hold(run, names.kv);
    await hold(run, names.database);
    await held.beforeApplicationShutdown();
    expect(held.leaseIds()).toEqual([]);
    await world.broker.revoker.idle();
    expect(await leasesOf(run)).toEqual([
      expect.objectContaining({ state: 'revoked', cause: 'released' }),
      expect.objectContaining({ state: 'revoked', cause: 'released' }),
    ]);
  });
});
