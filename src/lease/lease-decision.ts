import type { Credential, Delivery } from '../credential/credential.js';
import type { Grant } from '../grant/grant.js';
import type { Run } from '../run/run.js';

/** What a worker asks for. */
export interface WantedLease {
  readonly credential: string;
  /** Seconds; the credential's default where it says nothing. */
  readonly ttlSeconds?: number | undefined;
  readonly delivery?: Delivery | undefined;
  /** Set by the gateway alone: the credential stays in this process, and a tool of the grant is what allows it. */
  readonly forGateway?: true | undefined;
  /** Another step of the same run, where the grant lets the workload say so. */
  readonly stepId?: string | undefined;
  /** A retry with the same key ends the earlier lease first. */
  readonly idempotencyKey?: string | undefined;
}

/** What may be leased; read without locks, so step 3 checks under lock that it still holds. */
export interface LeaseDecision {
  readonly run: Run;
  readonly grant: Grant;
  readonly credential: Credential;
  readonly stepId: string;
  readonly delivery: Delivery;
  /** Seconds that the lease lives unless it is renewed. */
  readonly ttlSeconds: number;
  /** Seconds that it may live at most, however often it is renewed. */
  readonly lifeSeconds: number;
  /** When `lifeSeconds` begins. */
  readonly decidedAt: Date;
}

/** Whole seconds that a lease may live from now on under a run and a grant; 0 or less when there are none. */
export function secondsLeft(now: Date, run: Run, grant: Grant): number {
  const end = Math.min(run.deadline.getTime(), grant.expiresAt?.getTime() ?? Number.POSITIVE_INFINITY);
  return Math.floor((end - now.getTime()) / 1000);
}
