import type { OpenedRevocation } from '../../../src/kernel/opened-revocation.js';
import { Global, Module } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import type { Caller, Role } from '../../../src/kernel/caller.js';
import { Clock, ManualClock } from '../../../src/kernel/clock.js';
import { Ids, RandomIds } from '../../../src/kernel/ids.js';
import { Log, SilentLog } from '../../../src/kernel/log.js';
import { AuditInbox } from '../../../src/audit/audit-inbox.js';
import { CredentialCatalogue } from '../../../src/credential/credential-catalogue.js';
import { CredentialDisabled } from '../../../src/credential/credential-disabled.js';
import { CredentialModule } from '../../../src/credential/credential.module.js';
import { createDataSource } from '../../../src/database/data-source.js';
import { DataSourceTransactions, Transactions, type Tx } from '../../../src/database/transaction.js';
import { GrantDecisions } from '../../../src/grant/decide.js';
import { GrantEnded, type EndedGrant } from '../../../src/grant/grant-ended.js';
import type { GrantSpecInput } from '../../../src/grant/grant-spec.js';
import { GrantModule } from '../../../src/grant/grant.module.js';
import { Grants } from '../../../src/grant/grants.js';
import { Exchange } from '../../../src/run/exchange.js';
import { RunEnded, type EndedRun } from '../../../src/run/run-ended.js';
import { RunModule } from '../../../src/run/run.module.js';
import { Runs } from '../../../src/run/runs.js';
import { JobRegistry, type Job } from '../../../src/scheduler/job.js';
import { Settings, settingsSchema } from '../../../src/settings/schema.js';
import { freshDatabase, issuerParts } from '../../support/parts.js';

/** An event as it lies in the inbox. */
export interface RecordedEvent {
  readonly kind: string;
  readonly outcome: string;
  readonly code?: string;
  readonly actor: Readonly<Record<string, unknown>>;
  readonly workload?: { readonly subject: string };
  readonly run?: { readonly ref?: string; readonly run_id: string };
  readonly step_id?: string;
  readonly grant?: { readonly id: string; readonly name: string; readonly version: number };
  readonly data: Readonly<Record<string, unknown>>;
}

/** What the ports were told; set `fail` to have the next ending fail inside its transaction. */
export class Endings {
  readonly during: { cause: string; of: string }[] = [];
  readonly after: string[] = [];
  fail: Error | undefined;
  failAfter: Error | undefined;

  note(cause: string, of: string): void {
    if (this.fail !== undefined) throw this.fail;
    this.during.push({ cause, of });
  }

  noteAfter(of: string): void {
    this.after.push(of);
    if (this.failAfter !== undefined) throw this.failAfter;
  }
}

/** Catalogue, grants and runs on a real database, wired by their own modules; leases are noted and no more. */
export interface GrantWorld {
  readonly module: TestingModule;
  readonly clock: ManualClock;
  readonly transactions: Transactions;
  readonly catalogue: CredentialCatalogue;
  readonly grants: Grants;
  readonly decisions: GrantDecisions;
  readonly runs: Runs;
  readonly exchange: Exchange;
  readonly endings: Endings;
  readonly jobs: readonly Job[];
  sql(statement: string, values?: unknown[]): Promise<Record<string, unknown>[]>;
  /** The events of a kind, or all, oldest first. */
  events(kind?: string): Promise<RecordedEvent[]>;
  stop(): Promise<void>;
}

/** Which parts of a world differ from the usual. */
export interface WorldOptions {
  readonly approvalRequired?: boolean;
  readonly requireProof?: boolean;
  /** Leave the ports unregistered. */
  readonly withoutPorts?: boolean;
  readonly replay?: 'none' | 'single-use' | 'idempotent-same-run';
}

/** An admin of that name. */
export function admin(name = 'ada', roles: readonly Role[] = ['admin']): Caller {
  return { actor: { type: 'admin', issuer: 'sso', subject: name, roles }, requestId: `req-${name}` };
}

/** A grant for the workload `job`, with these differences. */
export function grantInput(name: string, changes: Partial<GrantSpecInput> = {}): GrantSpecInput {
  return {
    name,
    issuer: 'ci',
    workload: { claims: { sub: `job-${name}` } },
    run: { from: 'asserted', stepFrom: 'asserted' },
    credentials: [{ name: 'orders' }],
    ...changes,
  };
}

/** Starts a world with the credential `orders`. */
export async function startGrantWorld(options: WorldOptions = {}): Promise<GrantWorld> {
  const database = await freshDatabase();
  const settings = settingsOf(database.url, options);
  // Tokens come from a real issuer, whose clock is the machine's.
  const clock = new ManualClock(new Date());
  const dataSource = await createDataSource(settings).initialize();
  const transactions = new DataSourceTransactions(dataSource);
  const jobs: Job[] = [];
  const globals = [
    { provide: Clock, useValue: clock },
    { provide: Ids, useValue: new RandomIds(clock) },
    { provide: Log, useValue: new SilentLog() },
    { provide: Settings, useValue: settings },
    { provide: Transactions, useValue: transactions },
    { provide: JobRegistry, useValue: { add: (job: Job) => jobs.push(job) } },
    AuditInbox,
  ];

  @Global()
  @Module({ providers: globals, exports: globals })
  class GlobalsModule {}

  const imports = [GlobalsModule, CredentialModule, GrantModule, RunModule];
  const module = await Test.createTestingModule({ imports }).compile();
  await module.init();
  const endings = new Endings();
  const catalogue = module.get(CredentialCatalogue);
  const grants = module.get(Grants);
  const runs = module.get(Runs);
  if (options.withoutPorts !== true) registerPorts(endings, catalogue, grants, runs);
  await catalogue.create(admin(), { name: 'orders', kind: 'database', mount: 'database', path: 'orders' });
  const sql = (statement: string, values: unknown[] = []): Promise<Record<string, unknown>[]> =>
    dataSource.query(statement, values);
  return {
    module,
    clock,
    transactions,
    catalogue,
    grants,
    decisions: module.get(GrantDecisions),
    runs,
    exchange: module.get(Exchange),
    endings,
    jobs,
    sql,
    async events(kind) {
      const rows = await sql('SELECT leaf FROM audit_inbox ORDER BY seq');
      return rows
        .map(({ leaf }) => JSON.parse((leaf as Buffer).toString('utf8')) as RecordedEvent)
        .filter((event) => kind === undefined || event.kind === kind);
    },
    async stop() {
      await module.close();
      await dataSource.destroy();
      await database.drop();
    },
  };
}

function opened(leases: number): OpenedRevocation {
  return { revocationId: '01a1fbd5-ff8b-73d3-ad1f-79f9c26d0c98', leases };
}

function registerPorts(endings: Endings, catalogue: CredentialCatalogue, grants: Grants, runs: Runs): void {
  class Disabled extends CredentialDisabled {
    async during(_: Tx, { credential }: { credential: string }): Promise<OpenedRevocation> {
      endings.note('credential_disabled', credential);
      return Promise.resolve(opened(0));
    }
    async after({ credential }: { credential: string }): Promise<void> {
      return Promise.resolve(endings.noteAfter(credential));
    }
  }
  class OfGrant extends GrantEnded {
    async during(tx: Tx, { grantId, grantName, cause, caller }: EndedGrant): Promise<OpenedRevocation> {
      endings.note(cause, grantName);
      if (cause === 'grant_suspended') return opened(0);
      await runs.endOfGrant(tx, grantId, cause === 'grant_expired' ? 'expired' : 'revoked', cause, caller);
      return opened(0);
    }
    async after({ grantId }: { grantId: string }): Promise<void> {
      return Promise.resolve(endings.noteAfter(grantId));
    }
  }
  class OfRun extends RunEnded {
    async during(_: Tx, { runRef, cause }: EndedRun): Promise<OpenedRevocation> {
      endings.note(cause, runRef);
      return Promise.resolve(opened(3));
    }
    async after({ runRef }: { runRef: string }): Promise<void> {
      return Promise.resolve(endings.noteAfter(runRef));
    }
  }
  catalogue.whenDisabled(new Disabled());
  grants.whenEnded(new OfGrant());
  runs.whenEnded(new OfRun());
}

function settingsOf(databaseUrl: string, options: WorldOptions): Settings {
  const issuer = {
    url: issuerParts().url,
    audience: 'urn:leasegate:dev',
    allowPrivateAddress: true,
    replay: options.replay ?? 'none',
  };
  const values = settingsSchema.parse({
    database: { url: databaseUrl },
    vault: { address: 'http://127.0.0.1:1', login: { method: 'approle', roleId: 'r', secretId: 's' } },
    issuers: [
      { name: 'ci', ...issuer },
      { name: 'sso', url: 'https://sso.example', audience: 'leasegate', usableFor: ['admin'] },
      { name: 'mesh', url: 'https://mesh.example', audience: 'leasegate', preset: 'spiffe' },
    ],
    audit: { hmacKey: 'a key of these tests' },
    grants: { approvalRequired: options.approvalRequired ?? false },
    runTokens: { requireProof: options.requireProof ?? false },
  });
  return new (class extends Settings {
    readonly values = values;
  })();
}
