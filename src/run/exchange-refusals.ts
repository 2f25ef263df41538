import { Injectable } from '@nestjs/common';
import { BrokerError } from '../kernel/broker-error.js';
import type { ErrorCode } from '../kernel/error-codes.js';
import { Log } from '../kernel/log.js';
import { safeErrorFields } from '../kernel/safe-error.js';
import { AuditInbox } from '../audit/audit-inbox.js';
import type { EventContext } from '../audit/event.js';
import type { GrantDecision } from '../grant/grant-decision.js';
import type { VerifiedToken } from '../identity/verified-token.js';

/** How far an exchange came before it was refused; only what was verified is in it. */
export interface ExchangeProgress {
  readonly requestId: string;
  token?: VerifiedToken;
  decision?: GrantDecision;
}

/** Records exchanges that were refused or failed. */
@Injectable()
export class ExchangeRefusals {
  constructor(
    private readonly audit: AuditInbox,
    private readonly log: Log,
  ) {}

  /**
   * Records one as `exchange.refused`. Nothing that the caller only claimed is in the event. If it cannot be written
   * the exchange stays refused, and the log says what is missing.
   */
  async record(error: unknown, { requestId, token, decision }: ExchangeProgress): Promise<void> {
    const code: ErrorCode = error instanceof BrokerError ? error.code : 'internal_error';
    const failed = !(error instanceof BrokerError) || error.status >= 500;
    const workload = token && { issuer: token.issuer, subject: token.subject };
    const context: EventContext = {
      caller: { actor: workload ? { type: 'workload', ...workload } : { type: 'anonymous' }, requestId },
      outcome: failed ? 'failure' : 'refused',
      code,
      ...(workload && { workload }),
      ...(decision && subjectOf(decision)),
    };
    const detail = error instanceof BrokerError ? error.detail : undefined;
    try {
      await this.audit.record('exchange.refused', context, {
        ...(detail !== undefined && { detail }),
        ...(token && { issuer: token.issuerName }),
      });
    } catch (unwritten) {
      this.log.error(
        { request_id: requestId, code, ...safeErrorFields(unwritten) },
        'a refused exchange could not be recorded',
      );
    }
  }
}

function subjectOf({ grant, runId, stepId }: GrantDecision): Partial<EventContext> {
  return { run: { runId }, stepId, grant: { id: grant.id, name: grant.name, version: grant.version } };
}
