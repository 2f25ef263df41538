import { z } from 'zod';
import type { Hold } from '../../audit/held/hold.js';
import { instant } from '../schema/fields.js';
import { instantOf } from './page-view.js';

const index = z.int().describe('place in the log');

/** Somebody who decided on a version of a grant. */
export const decisionView = z.object({
  kind: z.string().describe('such as `grant.approved`'),
  at: instant,
  issuer: z.string().nullable(),
  subject: z.string().nullable(),
  index,
});

/** Who held a credential, from when to when, and for what. */
export const heldView = z
  .object({
    lease_id: z.uuid(),
    credential: z.string().nullable(),
    kind: z.string().nullable(),
    mount: z.string().nullable(),
    delivery: z.string().nullable(),
    run_ref: z.uuid().nullable(),
    run_id: z.string().nullable(),
    step_id: z.string().nullable(),
    workload: z.object({
      issuer: z.string().nullable(),
      subject: z.string().nullable(),
      claims: z
        .record(z.string(), z.unknown())
        .nullable()
        .describe('what its platform said of it, verified when the run was opened'),
    }),
    grant: z.object({
      id: z.uuid().nullable(),
      name: z.string().nullable(),
      version: z.int().nullable(),
      approved_by: z.string().nullable().describe('subject; null where no approval was needed'),
      decisions: z.array(decisionView),
    }),
    from: instant.describe('when it was asked for'),
    issued_at: instant.nullable().describe('null when it was never handed over'),
    to: instant.nullable().describe('when it was proved dead; null while nobody has proved that'),
    expires_at: instant.nullable(),
    state: z.string().nullable().describe('`revoked`, `expired` or `forgotten`; null while it is held'),
    cause: z.string().nullable(),
    proof: z.string().nullable(),
    secret_lives_on: z.boolean().describe('the lease ended, and the secret still works'),
    indexes: z.object({ first: index, issued: index.nullable(), ended: index.nullable() }),
    uses: z.array(
      z.object({
        kind: z.string(),
        events: z.int(),
        first_at: instant,
        last_at: instant,
        first_index: index,
        last_index: index,
      }),
    ),
    uses_complete: z.boolean().describe('false where only the first of many were counted'),
  })
  .meta({ id: 'HeldView' });
export type HeldView = z.output<typeof heldView>;

/** The answer's form of a hold. */
export function heldViewOf(hold: Hold): HeldView {
  const at = (time: Date | null): string | null => (time === null ? null : instantOf(time));
  const { leaseId, runRef, runId, stepId, issuedAt, expiresAt, secretLivesOn, usesComplete, ...same } = hold;
  return {
    lease_id: leaseId,
    credential: same.credential,
    kind: same.kind,
    mount: same.mount,
    delivery: same.delivery,
    run_ref: runRef,
    run_id: runId,
    step_id: stepId,
    workload: { ...same.workload, claims: same.claims === null ? null : { ...same.claims } },
    grant: {
      id: same.grant.id,
      name: same.grant.name,
      version: same.grant.version,
      approved_by: same.grant.approvedBy,
      decisions: same.grant.decisions.map((decision) => ({ ...decision, at: instantOf(decision.at) })),
    },
    from: instantOf(same.from),
    issued_at: at(issuedAt),
    to: at(same.to),
    expires_at: at(expiresAt),
    state: same.state,
    cause: same.cause,
    proof: same.proof,
    secret_lives_on: secretLivesOn,
    indexes: { ...same.indexes },
    uses: same.uses.map((use) => ({
      kind: use.kind,
      events: use.events,
      first_at: instantOf(use.firstAt),
      last_at: instantOf(use.lastAt),
      first_index: use.firstIndex,
      last_index: use.lastIndex,
    })),
    uses_complete: usesComplete,
  };
}
