import type { Readable } from 'node:stream';
import type { CallOutcome, LimitState } from '../admission/admission-request.js';
import type { ErrorCode } from '../../kernel/error-codes.js';
import type { Finding } from '../scrub/finding.js';

/** What a call came to. */
export interface CallEnd {
  readonly outcome: CallOutcome;
  readonly code: ErrorCode | undefined;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly costMicros: number;
  /** What the cost was made of: units by name. */
  readonly units: Readonly<Record<string, number>>;
}

/** The answer of a provider, as far as its caller may see it. */
export interface CallAnswer {
  readonly callId: string;
  readonly tool: string;
  readonly toolVersion: number;
  /** HTTP status of the provider. */
  readonly status: number;
  /** Lower-case names; only those that every caller may see and those that the tool lists. */
  readonly headers: Readonly<Record<string, string>>;
  readonly contentType: string;
  /** Whether the body is passed on as it comes; else it was read, checked and scrubbed as a whole. */
  readonly streamed: boolean;
  /** The whole body, decoded and scrubbed; undefined of a stream. */
  readonly content: Buffer | undefined;
  /**
   * Decoded and scrubbed. Of a stream it fails with the `BrokerError` that cut it off; destroying it ends the call at
   * the provider.
   */
  readonly body: Readable;
  /** For `RateLimit` headers. */
  readonly limits: readonly LimitState[];
  /** What was found so far, in either direction; complete once the body has ended. */
  findings(): readonly Finding[];
  /** Resolves once the body has ended or was cut off, with what the call came to; never rejects. */
  readonly settled: Promise<CallEnd>;
  /** Resolves when that is on disk, too, or is left to be reconciled; never rejects. */
  readonly ended: Promise<void>;
}
