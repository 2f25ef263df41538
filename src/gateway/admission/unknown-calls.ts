import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../../audit/audit-inbox.js';
import { Transactions } from '../../database/transaction.js';
import { systemCaller, type Caller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import { Ids } from '../../kernel/ids.js';
import type { Completion } from './admission-request.js';
import { AdmissionStatements } from './admission-statements.js';

/** How long after its deadline a call may still be ended by the replica that made it, whose clock may differ. */
const GRACE_MS = 60_000;

interface OverdueRow {
  readonly id: string;
  readonly run_ref: string;
  readonly run_id: string;
  readonly step_id: string;
  readonly grant_id: string;
  readonly grant_version: number;
  readonly issuer: string;
  readonly subject: string;
  readonly tool: string;
  readonly tool_version: number;
  /** Bigints, which the driver hands out as text. */
  readonly request_bytes: string;
  readonly reserved_micros: string;
}

/** Ends calls whose replica died, or could not write their end: they left, and nobody knows what became of them. */
@Injectable()
export class UnknownCalls {
  constructor(
    private readonly transactions: Transactions,
    private readonly statements: AdmissionStatements,
    private readonly audit: AuditInbox,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /**
   * Ends at most `limit` calls that are open past their deadline, as `unknown` and at the price that was set aside for
   * them; answers how many. Safe beside replicas that do the same and beside a late end: a call ends once.
   */
  async reconcile(limit: number): Promise<number> {
    const now = this.clock.now();
    const overdue = await this.transactions.reads.query<OverdueRow[]>(
      `SELECT id, run_ref, run_id, step_id, grant_id, grant_version, issuer, subject, tool, tool_version, request_bytes,
         reserved_micros
       FROM calls WHERE state = 'open' AND deadline < $1 ORDER BY deadline LIMIT $2`,
      [new Date(now.getTime() - GRACE_MS), limit],
    );
    if (overdue.length === 0) return 0;
    const caller = systemCaller('reconcile-calls', this.ids.uuid());
    const ended = await this.statements.complete(overdue.map((call) => this.unknown(call, caller, now)));
    return ended.filter(Boolean).length;
  }

  private unknown(call: OverdueRow, caller: Caller, now: Date): Completion {
    const requestBytes = Number(call.request_bytes);
    const costMicros = Number(call.reserved_micros);
    const id = this.ids.uuid();
    const leaf = this.audit.leaf(
      id,
      'call.ended',
      {
        caller,
        outcome: 'failure',
        workload: { issuer: call.issuer, subject: call.subject },
        run: { ref: call.run_ref, runId: call.run_id },
        stepId: call.step_id,
        grant: { id: call.grant_id, version: call.grant_version },
        tool: { name: call.tool, version: call.tool_version },
      },
      { call_id: call.id, result: 'unknown', request_bytes: requestBytes, cost_micros: costMicros },
    );
    return {
      callId: call.id,
      outcome: 'unknown',
      code: undefined,
      status: undefined,
      requestBytes,
      responseBytes: 0,
      costMicros,
      units: {},
      endedAt: now,
      event: { id, leaf },
    };
  }
}
