import { BrokerError } from '../../kernel/broker-error.js';
import type { ErrorCode } from '../../kernel/error-codes.js';
import type { Admitted, CallOutcome } from '../admission/admission-request.js';
import type { CallCost, CallFacts } from '../cost/call-cost.js';
import type { Finding } from '../scrub/finding.js';
import type { CallEnd } from './call-answer.js';
import { brokerErrorOf, outcomeOf } from './call-outcome.js';
import type { DecidedCall } from './decided-call.js';

/** How a call ended, as who ends it knows it. */
export interface EndOfCall {
  readonly outcome: CallOutcome;
  readonly code: ErrorCode | undefined;
  readonly detail?: string | undefined;
  readonly costMicros: number;
  readonly units: Readonly<Record<string, number>>;
}

/** Writes the end of a call down; never rejects. */
export type WriteEnd = (open: OpenCall, end: EndOfCall) => Promise<void>;

/**
 * A call whose start is on disk. It ends exactly once, whatever comes first: its last byte, a failure, or a cut.
 */
export class OpenCall {
  /** When the request left, on the clock of {@link beganMs}; from then on the provider may have done what was asked. */
  sentMs: number | undefined;
  /** HTTP status, once the answer has begun. */
  status: number | undefined;
  /** Address that was connected to. */
  address: string | undefined;
  /** The lease of the credential that it is sent with, once that is held. */
  leaseId: string | undefined;
  /** Bytes of a body that is passed on as it comes, so far. */
  sentBytes = 0;
  /** What was found in such a body. */
  uploadFindings: readonly Finding[] = [];
  /** Decoded bytes of the answer so far. */
  responseBytes = 0;
  /** What the call came to, as far as a cut-off answer says it; set while one streams. */
  costSoFar: (() => CallCost) | undefined;
  /** What was found in request and answer so far. */
  readonly findings: Finding[];
  /** Resolves with what the call came to. */
  readonly settled: Promise<CallEnd>;
  /** Resolves when that was written, or is left to be reconciled. */
  readonly ended: Promise<void>;
  readonly #cut = new AbortController();
  readonly #leave: (() => void)[] = [];
  #settle: (end: CallEnd) => void = () => {};
  #written: () => void = () => {};
  #over = false;

  constructor(
    readonly call: DecidedCall,
    readonly callId: string,
    readonly admitted: Admitted,
    /** When it was asked for, on the clock that never goes back. */
    readonly beganMs: number,
    private readonly write: WriteEnd,
  ) {
    this.findings = [...call.findings];
    this.settled = new Promise((resolve) => (this.#settle = resolve));
    this.ended = new Promise((resolve) => (this.#written = resolve));
  }

  /** Aborted with a `BrokerError` when the call must stop. */
  get signal(): AbortSignal {
    return this.#cut.signal;
  }

  get requestBytes(): number {
    const { upload, body } = this.call.request;
    return upload === undefined ? (body?.length ?? 0) : this.sentBytes;
  }

  /** Stops the call when this signal aborts; for `code` unless its reason is an error with a code of its own. */
  stopWith(signal: AbortSignal, code: ErrorCode): void {
    const stop = (): void => {
      const reason: unknown = signal.reason;
      this.#cut.abort(reason instanceof BrokerError ? reason : new BrokerError(code));
    };
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    this.#leave.push(() => signal.removeEventListener('abort', stop));
  }

  /** Stops the call now. */
  stop(reason: BrokerError): void {
    this.#cut.abort(reason);
  }

  /** Ends it well: the whole answer was passed on. */
  succeed(costMicros: number, units: Readonly<Record<string, number>>): void {
    this.#end({ outcome: 'success', code: undefined, costMicros, units });
  }

  /** Ends it badly; answers the error that the caller should see. */
  fail(thrown: unknown): BrokerError {
    const error = brokerErrorOf(thrown, this.signal);
    const { sentMs, status } = this;
    this.#end({
      outcome: outcomeOf(error, { sent: sentMs !== undefined, answered: status !== undefined }),
      code: error.code,
      detail: error.detail?.slice(0, 500),
      ...this.#costOfFailure(),
    });
    return error;
  }

  // What was sent may be billed. Where nobody says what it came to, it counts for what was set aside.
  #costOfFailure(): Pick<EndOfCall, 'costMicros' | 'units'> {
    if (this.sentMs === undefined) return { costMicros: 0, units: {} };
    const known = this.costSoFar?.();
    if (known !== undefined) return { costMicros: known.micros, units: known.units };
    return { costMicros: this.call.tool.cost.reserveMicros(this.requestBytes), units: {} };
  }

  #end(end: EndOfCall): void {
    if (this.#over) return;
    this.#over = true;
    for (const leave of this.#leave) leave();
    const { requestBytes, responseBytes } = this;
    this.#settle({
      outcome: end.outcome,
      code: end.code,
      requestBytes,
      responseBytes,
      costMicros: end.costMicros,
      units: end.units,
    });
    void this.write(this, end).then(this.#written, this.#written);
  }
}

/** What the price of a call depends on besides its answer. */
export function factsOf({ requestBytes, responseBytes, status, admitted }: OpenCall): CallFacts {
  return { requestBytes, responseBytes, status, at: admitted.startedAt };
}
