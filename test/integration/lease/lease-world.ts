import { createHash, randomBytes } from 'node:crypto';
import pg from 'pg';
import type { Caller } from '../../../src/kernel/caller.js';
import type { GrantSpecInput } from '../../../src/grant/grant-spec.js';
import type { RunIdentity } from '../../../src/identity/run-token.js';
import type { TargetDatabase } from '../../../src/dev/target-database.js';
import { freshDatabase, freshTarget } from '../../support/parts.js';
import { startLeaseBroker, type LeaseBroker, type LeaseSettings } from './lease-broker.js';
import { mountEngines, type VaultMounts } from './vault-mounts.js';

/** An event as it lies in the inbox. */
export interface TestEvent {
  readonly kind: string;
  readonly outcome: string;
  readonly code?: string;
  readonly lease_id?: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A database, a target, the engines, and brokers on them. */
export interface LeaseWorld {
  readonly target: TargetDatabase;
  readonly mounts: VaultMounts;
  readonly broker: LeaseBroker;
  /** Another broker on the same database. */
  another(settings?: LeaseSettings): Promise<LeaseBroker>;
  /** Opens a run under a new grant for all credentials; what the grant says can be changed. */
  openRun(change?: Partial<GrantSpecInput>): Promise<RunIdentity>;
  /** Another run of the same grant. */
  openRunOf(identity: RunIdentity): Promise<RunIdentity>;
  /** Events, oldest first; of one lease or all. */
  events(leaseId?: string): Promise<readonly TestEvent[]>;
  /** A query on the broker's own database. */
  query<R>(sql: string, values?: unknown[]): Promise<R[]>;
  /** A query on the target, as its superuser. */
  atTarget<R>(sql: string, values?: unknown[]): Promise<R[]>;
  /** Whether a login with these credentials works at the target. */
  canLogIn(credential: Readonly<Record<string, unknown>>): Promise<boolean>;
  /** Users at the target that Vault made. */
  liveUsers(): Promise<string[]>;
  stop(): Promise<void>;
}

/** Who does things in these tests. */
export const admin: Caller = {
  actor: { type: 'admin', issuer: 'https://issuer.example', subject: 'ada', roles: ['admin'] },
  requestId: 'request-admin',
};

/** The worker whose run it is. */
export function workerOf(identity: RunIdentity): Caller {
  return {
    actor: { type: 'workload', issuer: identity.issuer, subject: identity.subject },
    requestId: 'request-worker',
  };
}

/** Starts everything; a test file stops it in `afterAll`. */
export async function startLeaseWorld(settings: LeaseSettings = {}): Promise<LeaseWorld> {
  const [database, target] = await Promise.all([freshDatabase(), freshTarget()]);
  const mounts = await mountEngines(target);
  const broker = await startLeaseBroker(database.url, mounts, settings);
  const brokers = [broker];
  const atTarget = queries(target.url);
  const atHome = queries(database.url);
  await fillCatalogue(broker, mounts);
  return {
    target,
    mounts,
    broker,
    async another(other = {}) {
      const started = await startLeaseBroker(database.url, mounts, { ...settings, ...other });
      brokers.push(started);
      return started;
    },
    openRun: (change) => openRun(broker, mounts, change),
    openRunOf: (identity) => openRunOf(broker, identity),
    async events(leaseId) {
      const rows = await atHome<{ leaf: Buffer }>('SELECT leaf FROM audit_inbox ORDER BY seq');
      const events = rows.map(({ leaf }) => JSON.parse(leaf.toString('utf8')) as TestEvent);
      return leaseId === undefined ? events : events.filter((event) => event.lease_id === leaseId);
    },
    query: atHome,
    atTarget,
    async canLogIn({ username, password }) {
      const account = { username: String(username), password: String(password) };
      const client = new pg.Client({ connectionString: target.urlFor(account) });
      try {
        await client.connect();
        await client.query('SELECT item FROM orders');
        return true;
      } catch {
        return false;
      } finally {
        await client.end().catch(() => undefined);
      }
    },
    async liveUsers() {
      const rows = await atTarget<{ name: string }>(
        `SELECT m.rolname AS name FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member JOIN pg_roles r ON r.oid = a.roleid
         WHERE r.rolname = $1 AND m.rolname LIKE 'v-%'`,
        [target.readers],
      );
      return rows.map(({ name }) => name);
    },
    async stop() {
      for (const each of brokers) await each.stop();
      await database.drop();
      await target.drop();
    },
  };
}

type Query = <R>(sql: string, values?: unknown[]) => Promise<R[]>;

function queries(url: string): Query {
  return async <R>(sql: string, values: unknown[] = []): Promise<R[]> => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      const { rows } = await client.query(sql, values);
      return rows as R[];
    } finally {
      await client.end();
    }
  };
}

async function fillCatalogue({ catalogue }: LeaseBroker, mounts: VaultMounts): Promise<void> {
  const deliveries: ('inline' | 'wrapped')[] = ['inline', 'wrapped'];
  const { names, database, kv, pki } = mounts;
  const common = { deliveries, maxTtlSeconds: 600, defaultTtlSeconds: 120 };
  await catalogue.create(admin, {
    ...common,
    name: names.database,
    kind: 'database',
    mount: database,
    path: 'reader',
  });
  await catalogue.create(admin, {
    ...common,
    name: names.slow,
    kind: 'database',
    mount: database,
    path: 'slow',
  });
  await catalogue.create(admin, { ...common, name: names.kv, kind: 'kv', mount: kv, path: 'api-key' });
  const parameters = { common_name: 'worker.example' };
  await catalogue.create(admin, {
    ...common,
    name: names.pki,
    kind: 'pki',
    mount: pki,
    path: 'client',
    parameters,
  });
}

async function openRun(
  broker: LeaseBroker,
  { names }: VaultMounts,
  change: Partial<GrantSpecInput> = {},
): Promise<RunIdentity> {
  const grant = await broker.grants.create(admin, {
    name: `grant-${randomBytes(5).toString('hex')}`,
    issuer: 'test',
    workload: { claims: { sub: 'worker' } },
    run: { from: 'asserted', stepFrom: 'asserted' },
    credentials: Object.values(names).map((name) => ({ name })),
    ...change,
  });
  return openRunIn(broker, grant.id);
}

async function openRunOf(broker: LeaseBroker, identity: RunIdentity): Promise<RunIdentity> {
  return openRunIn(broker, identity.grantId);
}

async function openRunIn(broker: LeaseBroker, grantId: string): Promise<RunIdentity> {
  const grant = await broker.grants.get(grantId);
  const issuer = 'https://issuer.example';
  const subject = 'worker';
  const now = broker.clock.now();
  const runId = `run-${randomBytes(5).toString('hex')}`;
  const claims = { sub: subject };
  const decision = {
    grant,
    runId,
    stepId: 'step-1',
    runFrom: 'asserted' as const,
    deadlineSeconds: grant.spec.run.maxDurationSeconds ?? 3_600,
    claims,
  };
  const token = {
    issuerName: 'test',
    issuer,
    subject,
    audience: ['leasegate'],
    claims,
    tokenHash: createHash('sha256').update(runId).digest(),
    issuedAt: now,
    expiresAt: new Date(now.getTime() + 600_000),
    platform: {},
  };
  const caller: Caller = { actor: { type: 'workload', issuer, subject }, requestId: 'request-exchange' };
  const { run } = await broker.transactions.run((tx) => broker.runs.open(tx, { decision, token, caller }));
  return {
    tokenId: broker.ids.uuid(),
    runRef: run.id,
    runId,
    stepId: 'step-1',
    grantId: grant.id,
    grantName: grant.name,
    grantVersion: grant.version,
    issuer,
    subject,
    scope: [],
    expiresAt: token.expiresAt,
  };
}
