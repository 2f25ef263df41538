import { DataSource } from 'typeorm';
import { AuditInbox } from '../../../../src/audit/audit-inbox.js';
import { createDataSource } from '../../../../src/database/data-source.js';
import { DataSourceTransactions, type Transactions } from '../../../../src/database/transaction.js';
import { systemCaller } from '../../../../src/kernel/caller.js';
import { SystemClock, type Clock } from '../../../../src/kernel/clock.js';
import { RandomIds } from '../../../../src/kernel/ids.js';
import type { Settings } from '../../../../src/settings/schema.js';
import { Admission } from '../../../../src/gateway/admission/admission.js';
import { AdmissionStatements } from '../../../../src/gateway/admission/admission-statements.js';
import { NoObserver } from '../../../../src/gateway/call/call-observer.js';
import type { AdmissionRequest, Completion } from '../../../../src/gateway/admission/admission-request.js';
import { toolSpecSchema, type ToolLimits } from '../../../../src/gateway/tool/tool-spec.js';
import { freshDatabase, type TestDatabase } from '../../../support/parts.js';
import { leastSettings } from '../../../support/least-settings.js';

const HOUR_MS = 3_600_000;
const CALLER = systemCaller('test', 'req-of-test');

/** One broker process, as far as admission is concerned: a pool and classes of its own. */
export interface Replica {
  readonly dataSource: DataSource;
  readonly transactions: Transactions;
  readonly statements: AdmissionStatements;
  readonly admission: Admission;
  stop(): Promise<void>;
}

/** A database with grants, runs and tools to call under, and as many replicas as a test wants. */
export class AdmissionParts {
  readonly clock: Clock = new SystemClock();
  readonly ids = new RandomIds(this.clock);
  readonly audit: AuditInbox;
  readonly #replicas: Replica[] = [];

  private constructor(
    private readonly database: TestDatabase,
    readonly settings: Settings,
    readonly own: Replica,
  ) {
    this.audit = new AuditInbox(settings, this.clock, this.ids, own.transactions);
  }

  static async open(): Promise<AdmissionParts> {
    const database = await freshDatabase();
    const settings = settingsOf(database.url);
    return new AdmissionParts(database, settings, await startReplica(settings));
  }

  async replica(changes: Readonly<Record<string, unknown>> = {}): Promise<Replica> {
    const replica = await startReplica(settingsOf(this.database.url, changes));
    this.#replicas.push(replica);
    return replica;
  }

  query<T>(text: string, values: readonly unknown[] = []): Promise<T[]> {
    return this.own.dataSource.query<T[]>(text, [...values]);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#replicas.map((replica) => replica.stop()));
    await this.own.stop();
    await this.database.drop();
  }

  /** An active grant; answers its id. */
  async grant(name: string): Promise<string> {
    const id = this.ids.uuid();
    await this.query(
      `INSERT INTO grants (id, name, state, version, issuer, created_at, created_by, updated_at)
       VALUES ($1, $2, 'active', 1, 'dev', now(), 'test', now())`,
      [id, name],
    );
    await this.query(
      `INSERT INTO grant_versions (grant_id, version, spec, created_at, created_by) VALUES ($1, 1, '{}', now(), 'test')`,
      [id],
    );
    return id;
  }

  /** An open run; answers its id. */
  async run(grantId: string, runId: string, subject = 'jobs/test'): Promise<string> {
    const id = this.ids.uuid();
    await this.query(
      `INSERT INTO runs (id, run_id, grant_id, grant_version, issuer, subject, state, opened_at, deadline)
       VALUES ($1, $2, $3, 1, 'https://id.example', $4, 'open', now(), now() + interval '1 day')`,
      [id, runId, grantId, subject],
    );
    return id;
  }

  async tool(name: string): Promise<void> {
    await this.own.transactions.run(async (tx) => {
      await tx.query(
        `INSERT INTO tools (name, version, created_at, created_by, updated_at) VALUES ($1, 1, now(), 'test', now())`,
        [name],
      );
      await tx.query(
        `INSERT INTO tool_versions (tool, version, spec, created_at, created_by)
         VALUES ($1, 1, jsonb_build_object('name', $1::text), now(), 'test')`,
        [name],
      );
    });
  }

  /** A call that asks to be let through. */
  request(
    about: { readonly runRef: string; readonly grantId: string; readonly tool: string },
    changes: Partial<AdmissionRequest> = {},
  ): AdmissionRequest {
    const eventId = this.ids.uuid();
    const callId = this.ids.uuid();
    const leaf = this.audit.leaf(
      eventId,
      'call.started',
      {
        caller: CALLER,
        run: { ref: about.runRef, runId: 'run-1' },
        stepId: 'step-1',
        tool: { name: about.tool },
      },
      {
        call_id: callId,
        method: 'POST',
        host: 'api.example.com',
        url: 'https://api.example.com/v1/things',
        request_bytes: 100,
        reserved_micros: 0,
        deadline: this.clock.now().toISOString(),
      },
    );
    return {
      callId,
      runRef: about.runRef,
      runId: 'run-1',
      stepId: 'step-1',
      grantId: about.grantId,
      grantVersion: 1,
      issuer: 'https://id.example',
      subject: 'jobs/test',
      tool: about.tool,
      toolVersion: 1,
      limits: limitsOf({}),
      reserveMicros: 0,
      requestBytes: 100,
      deadline: new Date(this.clock.now().getTime() + HOUR_MS),
      event: { id: eventId, leaf },
      ...changes,
    };
  }

  /** The end of a call. */
  completion(callId: string, changes: Partial<Completion> = {}): Completion {
    const eventId = this.ids.uuid();
    const leaf = this.audit.leaf(
      eventId,
      'call.ended',
      { caller: CALLER },
      {
        call_id: callId,
        result: 'success',
        status: 200,
        duration_ms: 3,
        request_bytes: 100,
        response_bytes: 200,
      },
    );
    return {
      callId,
      outcome: 'success',
      code: undefined,
      status: 200,
      requestBytes: 100,
      responseBytes: 200,
      costMicros: 0,
      units: {},
      endedAt: this.clock.now(),
      event: { id: eventId, leaf },
      ...changes,
    };
  }
}

/** Limits with the defaults filled in. */
export function limitsOf(limits: Partial<ToolLimits>): ToolLimits {
  return toolSpecSchema.shape.limits.parse(limits);
}

async function startReplica(settings: Settings): Promise<Replica> {
  const clock = new SystemClock();
  const dataSource = await createDataSource(settings).initialize();
  const transactions = new DataSourceTransactions(dataSource);
  const statements = new AdmissionStatements(transactions, clock);
  return {
    dataSource,
    transactions,
    statements,
    admission: new Admission(statements, settings, new NoObserver()),
    stop: async () => {
      if (dataSource.isInitialized) await dataSource.destroy();
    },
  };
}

function settingsOf(url: string, changes: Readonly<Record<string, unknown>> = {}): Settings {
  return leastSettings({ url, ...changes });
}
