import type { ErrorCode } from '../../kernel/error-codes.js';
import type { ToolLimits } from '../tool/tool-spec.js';

/** A call that asks to be let through. */
export interface AdmissionRequest {
  readonly callId: string;
  readonly runRef: string;
  readonly runId: string;
  readonly stepId: string;
  readonly grantId: string;
  readonly grantVersion: number;
  readonly issuer: string;
  readonly subject: string;
  readonly tool: string;
  readonly toolVersion: number;
  readonly limits: ToolLimits;
  /** Millionths of the currency to set aside. */
  readonly reserveMicros: number;
  /** Bytes of the request, which the bytes limits count at once. */
  readonly requestBytes: number;
  /** When the call counts as lost unless it was completed. */
  readonly deadline: Date;
  /** The event `call.started`, made by the caller: committed together with everything above, or not at all. */
  readonly event: { readonly id: string; readonly leaf: Buffer };
}

/** One limit after a call was counted, for `RateLimit` headers. */
export interface LimitState {
  /** Such as `calls/run/60`. */
  readonly name: string;
  readonly limit: number;
  readonly remaining: number;
  /** Seconds until more is free. */
  readonly resetSeconds: number;
  readonly windowSeconds: number;
}

/** A call that was let through; its event is on disk. */
export interface Admitted {
  readonly startedAt: Date;
  readonly limits: readonly LimitState[];
}

/** How a call ended. `unknown`: it left, and nobody knows what became of it. */
export type CallOutcome = 'success' | 'refused' | 'failure' | 'unknown';

/** What is written when a call ends. */
export interface Completion {
  readonly callId: string;
  readonly outcome: CallOutcome;
  readonly code: ErrorCode | undefined;
  /** HTTP status of the provider. */
  readonly status: number | undefined;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly costMicros: number;
  /** What the cost was made of: units by name. */
  readonly units: Readonly<Record<string, number>>;
  readonly endedAt: Date;
  /** The event `call.ended`. */
  readonly event: { readonly id: string; readonly leaf: Buffer };
}
