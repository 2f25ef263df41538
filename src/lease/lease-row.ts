import type { RevokeCause } from '../audit/revoke-cause.js';
import type { EventSubject } from '../audit/event.js';
import type { CredentialKind, Delivery } from '../credential/credential.js';
import type { Lease, LeaseState, Proof } from './lease.js';

/** A row of `leases` with what its run and grant add, as the driver gives it. */
export interface LeaseRow {
  readonly id: string;
  readonly run_ref: string;
  readonly run_id: string;
  readonly step_id: string;
  readonly grant_id: string;
  readonly grant_name: string;
  readonly grant_version: number;
  readonly credential: string;
  readonly kind: CredentialKind;
  readonly mount: string;
  readonly delivery: Delivery;
  readonly revocable: boolean;
  readonly state: LeaseState;
  readonly requested_at: Date;
  readonly issued_at: Date | null;
  readonly expires_at: Date;
  readonly max_expires_at: Date;
  readonly renewals: number;
  readonly revoke_cause: RevokeCause | null;
  readonly revoke_requested_at: Date | null;
  readonly ended_at: Date | null;
  readonly proof: Proof | null;
  readonly attempts: number;
  readonly last_error: string | null;
  readonly next_attempt_at: Date | null;
  readonly stuck_since: Date | null;
  readonly issuer: string;
  readonly subject: string;
}

/** The columns of a {@link LeaseRow}; `l` is the lease, `r` its run, `g` its grant. Never the accessor. */
export const LEASE_COLUMNS = `l.id, l.run_ref, r.run_id, l.step_id, l.grant_id, g.name AS grant_name, l.grant_version,
  l.credential, l.kind, l.mount, l.delivery, l.revocable, l.state, l.requested_at, l.issued_at, l.expires_at,
  l.max_expires_at, l.renewals, l.revoke_cause, l.revoke_requested_at, l.ended_at, l.proof, l.attempts, l.last_error,
  l.next_attempt_at, l.stuck_since, r.issuer, r.subject`;

/**
 * Of a lease that has not ended; with `l.` in front where it has that alias. The partial indexes of live leases have the
 * same words, and are used only by statements that have them too.
 */
export const NOT_ENDED = `state NOT IN ('revoked', 'expired', 'forgotten')`;

/** Joins the run and the grant of the leases called `l`. */
export const LEASE_JOINS = 'JOIN runs r ON r.id = l.run_ref JOIN grants g ON g.id = l.grant_id';

/** The lease that a row describes. */
export function leaseOf(row: LeaseRow): Lease {
  return {
    id: row.id,
    runRef: row.run_ref,
    runId: row.run_id,
    stepId: row.step_id,
    grantId: row.grant_id,
    grantName: row.grant_name,
    grantVersion: row.grant_version,
    credential: row.credential,
    kind: row.kind,
    mount: row.mount,
    delivery: row.delivery,
    revocable: row.revocable,
    state: row.state,
    requestedAt: row.requested_at,
    issuedAt: row.issued_at,
    expiresAt: row.expires_at,
    maxExpiresAt: row.max_expires_at,
    renewals: row.renewals,
    revokeCause: row.revoke_cause,
    revokeRequestedAt: row.revoke_requested_at,
    endedAt: row.ended_at,
    proof: row.proof,
    attempts: row.attempts,
    lastError: row.last_error,
    nextAttemptAt: row.next_attempt_at,
    stuckSince: row.stuck_since,
    issuer: row.issuer,
    subject: row.subject,
  };
}

/** What the events of a lease are about. */
export function subjectOf(lease: Lease): EventSubject {
  return {
    workload: { issuer: lease.issuer, subject: lease.subject },
    run: { ref: lease.runRef, runId: lease.runId },
    stepId: lease.stepId,
    grant: { id: lease.grantId, name: lease.grantName, version: lease.grantVersion },
    leaseId: lease.id,
    credential: lease.credential,
  };
}
