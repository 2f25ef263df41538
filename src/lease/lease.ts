import type { RevokeCause } from '../audit/revoke-cause.js';
import type { CredentialKind, Delivery } from '../credential/credential.js';
import { BrokerError } from '../kernel/broker-error.js';

/**
 * States of a lease. The database enforces the same machine (`state_transitions`).
 *
 *   issuing ──► active ──► revoking ──► revoked    Vault confirmed that it is gone
 *      │                      ▲    └──► expired    the same, and its time was up
 *      ├──────────────────────┘
 *      └──► orphaned ──► revoked                   its broker died while it was being issued
 *
 * `revoking` and `orphaned` are left only with a proof from Vault, however long that takes; or as `forgotten`, when an
 * admin says that the broker shall try no longer: that is no proof, and something of it may be alive.
 */
export const LEASE_STATES = [
  'issuing',
  'active',
  'revoking',
  'orphaned',
  'revoked',
  'expired',
  'forgotten',
] as const;
export type LeaseState = (typeof LEASE_STATES)[number];

const TRANSITIONS: Readonly<Record<LeaseState, readonly LeaseState[]>> = {
  issuing: ['active', 'revoking', 'orphaned'],
  active: ['revoking'],
  revoking: ['revoked', 'expired', 'forgotten'],
  orphaned: ['revoked', 'forgotten'],
  revoked: [],
  expired: [],
  forgotten: [],
};

/** An end that Vault confirmed: nothing of the lease is alive there. */
export type ProvedLeaseState = 'revoked' | 'expired';

/** A state that a lease never leaves. */
export type EndedLeaseState = ProvedLeaseState | 'forgotten';

/** Whether a lease may go from one state to another. */
export function mayBecome(from: LeaseState, to: LeaseState): boolean {
  return TRANSITIONS[from].includes(to);
}

/** Whether the broker does nothing more about it: it is proved dead, or somebody had it forgotten. */
export function hasEnded(state: LeaseState): state is EndedLeaseState {
  return TRANSITIONS[state].length === 0;
}

/**
 * Where a lease ends once Vault has confirmed that it is gone. Throws `state_transition_refused` for one whose end
 * nobody asked for.
 */
export function endStateOf(state: LeaseState, cause: RevokeCause | null): ProvedLeaseState {
  const end: ProvedLeaseState = cause === 'expiry' ? 'expired' : 'revoked';
  if (cause === null || !mayBecome(state, end)) {
    throw new BrokerError('state_transition_refused', {
      detail: `a lease cannot go from ${state} to ${end}`,
    });
  }
  return end;
}

/**
 * What Vault confirmed when the lease ended: that it does not know its own lease any more and has revoked the token that
 * it hung from; or, where Vault's lease is not known to the broker (a wrapped credential), that it does not know the token.
 */
export type Proof = 'lease_gone+accessor_revoked' | 'accessor_gone';

/** One credential handed to one run and step. */
export interface Lease {
  readonly id: string;
  /** Our id of the run. */
  readonly runRef: string;
  /** The platform's id of the run. */
  readonly runId: string;
  readonly stepId: string;
  readonly grantId: string;
  readonly grantName: string;
  /** The version of the grant that allowed it. */
  readonly grantVersion: number;
  readonly credential: string;
  readonly kind: CredentialKind;
  /** Mount of the secrets engine: what revocations are limited and shielded by. */
  readonly mount: string;
  readonly delivery: Delivery;
  /** Whether its end makes the credential worthless; false for static secrets and for certificates without a lease. */
  readonly revocable: boolean;
  readonly state: LeaseState;
  readonly requestedAt: Date;
  readonly issuedAt: Date | null;
  /** Never later than Vault's own. */
  readonly expiresAt: Date;
  /** No renewal goes beyond: the smallest of the credential's limit, the run's deadline and the grant's expiry. */
  readonly maxExpiresAt: Date;
  readonly renewals: number;
  readonly revokeCause: RevokeCause | null;
  readonly revokeRequestedAt: Date | null;
  readonly endedAt: Date | null;
  readonly proof: Proof | null;
  /** Attempts at revoking it. */
  readonly attempts: number;
  /** A stable code and public detail of the last failed attempt. */
  readonly lastError: string | null;
  readonly nextAttemptAt: Date | null;
  /** Since when it has failed more often than `leases.stuckAfterAttempts`; it is tried all the same. */
  readonly stuckSince: Date | null;
  /** Name of the workload's issuer. */
  readonly issuer: string;
  readonly subject: string;
}
