import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../../audit/audit-inbox.js';
import type { EventContext } from '../../audit/event.js';
import type { RunIdentity } from '../../identity/run-token.js';
import { BrokerError } from '../../kernel/broker-error.js';
import type { Caller } from '../../kernel/caller.js';
import type { ErrorCode } from '../../kernel/error-codes.js';
import { Ids } from '../../kernel/ids.js';
import { Log } from '../../kernel/log.js';
import { safeErrorFields } from '../../kernel/safe-error.js';
import type { CallOutcome } from '../admission/admission-request.js';
import type { Finding } from '../scrub/finding.js';
import type { CallCheck } from './checks/call-check.js';
import type { DecidedCall } from './decided-call.js';
import type { WantedCall } from './wanted-call.js';

/** An event that is written together with the change that it records. */
export interface MadeEvent {
  readonly id: string;
  readonly leaf: Buffer;
}

/** What is known of a call before it leaves. */
export interface FactsBefore {
  readonly requestBytes: number;
  readonly reserveMicros: number;
  readonly deadline: Date;
}

/** What the event of an ended call says. */
export interface CallEndFacts {
  readonly callId: string;
  readonly outcome: CallOutcome;
  readonly code: ErrorCode | undefined;
  readonly status: number | undefined;
  readonly durationMs: number;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly costMicros: number;
  readonly units: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
  readonly address: string | undefined;
  readonly detail: string | undefined;
}

/** The most kinds of findings that an event lists; a leaf is bounded. */
const MOST_FINDINGS = 64;

/** Makes the events of calls. */
@Injectable()
export class CallEvents {
  constructor(
    private readonly audit: AuditInbox,
    private readonly ids: Ids,
    private readonly log: Log,
  ) {}

  /** `call.started`, for the statement that admits the call. */
  started(call: DecidedCall, callId: string, before: FactsBefore): MadeEvent {
    const { request } = call;
    const id = this.ids.uuid();
    const leaf = this.audit.leaf(id, 'call.started', contextOf(call), {
      call_id: callId,
      method: request.method,
      host: request.url.host,
      url: request.url.href,
      request_bytes: before.requestBytes,
      reserved_micros: before.reserveMicros,
      deadline: before.deadline.toISOString(),
    });
    return { id, leaf };
  }

  /** `call.ended`, for the statement that completes the call. */
  ended(call: DecidedCall, facts: CallEndFacts): MadeEvent {
    const id = this.ids.uuid();
    const { outcome, code } = facts;
    const context = {
      ...contextOf(call),
      // What became of it is in `result`; that nobody knows is a failure like any other.
      outcome: outcome === 'unknown' ? ('failure' as const) : outcome,
      ...(code === undefined ? {} : { code }),
    };
    const leaf = this.audit.leaf(id, 'call.ended', context, {
      call_id: facts.callId,
      result: outcome,
      status: facts.status,
      duration_ms: Math.max(0, Math.round(facts.durationMs)),
      request_bytes: facts.requestBytes,
      response_bytes: facts.responseBytes,
      cost_micros: facts.costMicros,
      units: Object.keys(facts.units).length === 0 ? undefined : facts.units,
      findings: findingsOf(facts.findings),
      address: facts.address,
      detail: facts.detail,
    });
    return { id, leaf };
  }

  /**
   * Records a call that was refused before it started. A record that cannot be written is logged: the call was
   * refused, and the refusal says more to the caller than the database's state.
   */
  async refused(
    who: { readonly identity?: RunIdentity; readonly caller: Caller },
    wanted: Partial<WantedCall> & { readonly route: string },
    check: CallCheck,
    error: BrokerError,
    findings: readonly Finding[] = [],
  ): Promise<void> {
    const { identity, caller } = who;
    const stepId = wanted.stepId ?? identity?.stepId;
    const context: EventContext = {
      caller,
      outcome: 'refused',
      code: error.code,
      ...(identity === undefined ? {} : subjectOf(identity)),
      ...(stepId === undefined || stepId === '' ? {} : { stepId: stepId.slice(0, 256) }),
      ...(wanted.tool === undefined ? {} : { tool: { name: wanted.tool.slice(0, 256) } }),
    };
    const data = {
      check,
      route: wanted.route,
      detail: error.detail?.slice(0, 500),
      findings: findingsOf(findings),
    };
    try {
      await this.audit.record('call.refused', context, data);
    } catch (unwritten) {
      this.log.error(
        { request_id: caller.requestId, code: error.code, ...safeErrorFields(unwritten) },
        'the event of a refused call could not be written',
      );
    }
  }
}

function subjectOf(identity: RunIdentity): Pick<EventContext, 'workload' | 'run' | 'grant'> {
  return {
    workload: { issuer: identity.issuer, subject: identity.subject },
    run: { ref: identity.runRef, runId: identity.runId },
    grant: { id: identity.grantId, name: identity.grantName, version: identity.grantVersion },
  };
}

function contextOf({ identity, caller, stepId, grant, tool }: DecidedCall): EventContext {
  return {
    caller,
    ...subjectOf(identity),
    stepId,
    grant: { id: grant.id, name: grant.name, version: grant.version },
    tool: { name: tool.name, version: tool.version },
    ...(tool.spec.credential === undefined ? {} : { credential: tool.spec.credential.name }),
  };
}

function findingsOf(findings: readonly Finding[]): { kind: string; count: number }[] | undefined {
  if (findings.length === 0) return undefined;
  return findings.slice(0, MOST_FINDINGS).map(({ kind, count }) => ({ kind, count }));
}
