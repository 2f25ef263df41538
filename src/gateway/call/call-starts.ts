import { Injectable } from '@nestjs/common';
import type { RunIdentity } from '../../identity/run-token.js';
import { BrokerError, hasCode } from '../../kernel/broker-error.js';
import type { Caller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import { crashPoint } from '../../kernel/crash-point.js';
import { Ids } from '../../kernel/ids.js';
import { Settings } from '../../settings/schema.js';
import { Admission } from '../admission/admission.js';
import type { AdmissionRequest, Admitted } from '../admission/admission-request.js';
import { CallDecisions } from './call-decisions.js';
import { CallEvents } from './call-events.js';
import type { CallCheck } from './checks/call-check.js';
import type { DecidedCall } from './decided-call.js';
import { bytesBefore } from './upload-stream.js';
import type { WantedCall } from './wanted-call.js';

/** How often a call is decided again because grant or tool changed meanwhile. */
const MOST_DECISIONS = 4;
/** Calls of Vault that making a credential takes at most, before the tool's own time begins. */
const VAULT_CALLS = 3;

/** A call whose event `call.started` is on disk. */
export interface StartedCall {
  readonly callId: string;
  readonly call: DecidedCall;
  readonly admitted: Admitted;
}

/** Decides calls and has them admitted: what is started here is on disk, and what is refused is an event. */
@Injectable()
export class CallStarts {
  private readonly preparationMs: number;

  constructor(
    private readonly decisions: CallDecisions,
    private readonly admission: Admission,
    private readonly events: CallEvents,
    private readonly clock: Clock,
    private readonly ids: Ids,
    settings: Settings,
  ) {
    this.preparationMs = VAULT_CALLS * settings.values.vault.timeoutMs;
  }

  /** Starts a call. Refuses with the codes of {@link CallDecisions.decide} and of {@link Admission.admit}. */
  async start(identity: RunIdentity, wanted: WantedCall, caller: Caller): Promise<StartedCall> {
    let check: CallCheck = 'run_identity';
    try {
      for (let round = 0; round < MOST_DECISIONS; round += 1) {
        const call = await this.decisions.decide(identity, wanted, caller, (next) => (check = next));
        crashPoint('call.decided');
        check = 'admission';
        const started = await this.admit(call);
        if (started !== undefined) return started;
        this.decisions.forget(identity, wanted.tool);
      }
      throw new BrokerError('conflict', {
        detail: 'the grant or the tool keeps changing; try again',
        retryAfterSeconds: 1,
      });
    } catch (error) {
      if (error instanceof BrokerError && isRefusal(error)) {
        await this.events.refused({ identity, caller }, wanted, check, error);
      }
      throw error;
    }
  }

  /** Undefined when grant or tool changed since the decision. */
  private async admit(call: DecidedCall): Promise<StartedCall | undefined> {
    const callId = this.ids.uuid();
    const request = this.requestOf(call, callId);
    try {
      const admitted = await this.admission.admit(request);
      crashPoint('call.started');
      return { callId, call, admitted };
    } catch (error) {
      if (hasCode(error, 'grant_changed') || hasCode(error, 'tool_changed')) return undefined;
      throw error;
    }
  }

  private requestOf(call: DecidedCall, callId: string): AdmissionRequest {
    const { identity, grant, tool, stepId, request } = call;
    const deadline = new Date(this.clock.now().getTime() + tool.spec.timeout_ms + this.preparationMs);
    const requestBytes = bytesBefore(request, tool.spec);
    const reserveMicros = tool.cost.reserveMicros(requestBytes);
    return {
      callId,
      runRef: identity.runRef,
      runId: identity.runId,
      stepId,
      grantId: grant.id,
      grantVersion: grant.version,
      issuer: identity.issuer,
      subject: identity.subject,
      tool: tool.name,
      toolVersion: tool.version,
      limits: tool.spec.limits,
      reserveMicros,
      requestBytes,
      deadline,
      event: this.events.started(call, callId, { requestBytes, reserveMicros, deadline }),
    };
  }
}

// An outage is no refusal, and a flood of those must not fill the log of events.
function isRefusal(error: BrokerError): boolean {
  return error.status < 500;
}
