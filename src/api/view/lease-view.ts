import { z } from 'zod';
import { CREDENTIAL_KINDS, DELIVERIES } from '../../credential/credential.js';
import { LEASE_STATES, type Lease } from '../../lease/lease.js';
import { instant, uuid } from '../schema/fields.js';
import { instantOf, instantOrNull } from './page-view.js';

/** A workload in an answer. */
export const workloadView = z.object({
  issuer: z.string().describe('name of the issuer, as in the settings'),
  subject: z.string(),
});

/** A lease in an answer. */
export const leaseView = z
  .object({
    id: uuid,
    run_id: z.string().describe("the platform's id of the run"),
    run_ref: uuid.describe('our id of the run'),
    step_id: z.string(),
    grant: z.string(),
    grant_id: uuid,
    grant_version: z.int(),
    credential: z.string(),
    kind: z.enum(CREDENTIAL_KINDS),
    mount: z.string().describe("the secrets engine's mount in Vault"),
    delivery: z.enum(DELIVERIES),
    revocable: z.boolean().describe('whether the end of the lease makes the credential worthless'),
    state: z.enum(LEASE_STATES),
    requested_at: instant,
    issued_at: instant.nullable(),
    expires_at: instant,
    max_expires_at: instant.describe('no renewal goes beyond'),
    renewals: z.int(),
    revoke_cause: z.string().nullable(),
    ended_at: instant.nullable(),
    proof: z.string().nullable().describe("what Vault's look-ups said when it ended"),
    attempts: z.int().describe('attempts at revoking it'),
    last_error: z.string().nullable(),
    next_attempt_at: instant.nullable(),
    stuck_since: instant.nullable().describe('since when it fails again and again; it is tried all the same'),
    workload: workloadView,
  })
  .meta({ id: 'LeaseView' });
export type LeaseView = z.output<typeof leaseView>;

/** What callers see of a lease: nothing that Vault could be asked with. */
export function leaseViewOf(lease: Lease): LeaseView {
  return {
    id: lease.id,
    run_id: lease.runId,
    run_ref: lease.runRef,
    step_id: lease.stepId,
    grant: lease.grantName,
    grant_id: lease.grantId,
    grant_version: lease.grantVersion,
    credential: lease.credential,
    kind: lease.kind,
    mount: lease.mount,
    delivery: lease.delivery,
    revocable: lease.revocable,
    state: lease.state,
    requested_at: instantOf(lease.requestedAt),
    issued_at: instantOrNull(lease.issuedAt),
    expires_at: instantOf(lease.expiresAt),
    max_expires_at: instantOf(lease.maxExpiresAt),
    renewals: lease.renewals,
    revoke_cause: lease.revokeCause,
    ended_at: instantOrNull(lease.endedAt),
    proof: lease.proof,
    attempts: lease.attempts,
    last_error: lease.lastError,
    next_attempt_at: instantOrNull(lease.nextAttemptAt),
    stuck_since: instantOrNull(lease.stuckSince),
    workload: { issuer: lease.issuer, subject: lease.subject },
  };
}
