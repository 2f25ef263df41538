import type { Caller } from '../kernel/caller.js';
import type { ErrorCode } from '../kernel/error-codes.js';

/** How the thing that an event records went. */
export type Outcome = 'success' | 'refused' | 'failure';

/** What an event is about, besides who did it; all of it public. */
export interface EventSubject {
  readonly workload?: { readonly issuer: string; readonly subject: string };
  /** `ref` is our id of the run, `runId` the platform's. */
  readonly run?: { readonly ref?: string; readonly runId: string };
  readonly stepId?: string;
  readonly grant?: { readonly id: string; readonly name?: string; readonly version?: number };
  readonly leaseId?: string;
  readonly credential?: string;
  /** A tool of the gateway, as of a version where one was decided on. */
  readonly tool?: { readonly name: string; readonly version?: number };
}

/** Everything that the envelope of an event says. */
export interface EventContext extends EventSubject {
  readonly caller: Caller;
  /** `success` unless told. */
  readonly outcome?: Outcome;
  /** Why it was refused or failed. */
  readonly code?: ErrorCode;
}
