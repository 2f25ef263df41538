import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { BrokerError } from '../../kernel/broker-error.js';
import { Clock } from '../../kernel/clock.js';
import { crashPoint } from '../../kernel/crash-point.js';
import { Log } from '../../kernel/log.js';
import { safeErrorFields } from '../../kernel/safe-error.js';
import { Admission } from '../admission/admission.js';
import { OpenCalls } from '../admission/open-calls.js';
import { HeldCredentials } from '../inject/held-credentials.js';
import { CallEvents } from './call-events.js';
import { CallObserver } from './call-observer.js';
import type { StartedCall } from './call-starts.js';
import { OpenCall, type EndOfCall } from './open-call.js';

/** The calls that are open in this process: cuts them when they must stop, and writes down how they ended. */
@Injectable()
export class OpenCallRegistry implements BeforeApplicationShutdown {
  readonly #open = new Set<OpenCall>();

  constructor(
    private readonly admission: Admission,
    private readonly watch: OpenCalls,
    private readonly credentials: HeldCredentials,
    private readonly events: CallEvents,
    private readonly observer: CallObserver,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** Opens a call that was started; `signal` aborts when its caller gives up. */
  open({ callId, call, admitted }: StartedCall, signal: AbortSignal, beganMs: number): OpenCall {
    const open = new OpenCall(call, callId, admitted, beganMs, (ended, end) => this.write(ended, end));
    this.#open.add(open);
    this.observer.open(this.#open.size);
    open.stopWith(signal, 'call_cancelled');
    const { identity, grant, tool } = call;
    const ground = {
      runRef: identity.runRef,
      grantId: grant.id,
      credential: tool.spec.credential?.name,
      // Known only when the call departs.
      get leaseId(): string | undefined {
        return open.leaseId;
      },
    };
    this.watch.watch(callId, ground, (reason) => this.cut(open, reason));
    return open;
  }

  /** Calls that still have no end when the server has drained are cut, and their ends written while there is a database. */
  async beforeApplicationShutdown(): Promise<void> {
    const rest = [...this.#open];
    for (const open of rest) open.stop(new BrokerError('shutting_down'));
    await Promise.all(rest.map(({ ended }) => ended));
  }

  private cut(open: OpenCall, reason: BrokerError): void {
    // A caller that sees its call cut may send the next at once: it must not leave with what was just revoked.
    if (reason.code === 'lease_not_active' && open.leaseId !== undefined)
      this.credentials.forgetLeases(new Set([open.leaseId]));
    open.stop(reason);
  }

  private async write(open: OpenCall, end: EndOfCall): Promise<void> {
    const { call, callId, status, requestBytes, responseBytes, address, beganMs, sentMs } = open;
    const findings = [...open.findings, ...open.uploadFindings];
    const durationMs = this.clock.monotonicMs() - beganMs;
    const { outcome, code, detail, costMicros, units } = end;
    this.watch.done(callId);
    const facts = { callId, outcome, code, status, requestBytes, responseBytes, costMicros, units };
    this.observer.ended({ tool: call.tool.name, code: code ?? 'ok', seconds: durationMs / 1_000 });
    if (sentMs !== undefined) this.observer.added((sentMs - beganMs) / 1_000);
    try {
      await this.admission.complete({
        ...facts,
        endedAt: this.clock.now(),
        event: this.events.ended(call, { ...facts, durationMs, findings, address, detail }),
      });
      crashPoint('call.ended');
    } catch (error) {
      // The row is open and its deadline known: whoever reconciles ends it, at the price that was set aside.
      this.log.error(
        { request_id: call.caller.requestId, call_id: callId, ...safeErrorFields(error) },
        'the end of a call could not be written; it will be reconciled',
      );
    } finally {
      this.#open.delete(open);
      this.observer.open(this.#open.size);
    }
  }
}
