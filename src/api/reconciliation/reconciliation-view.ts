import { z } from 'zod';
import {
  FINDING_KINDS,
  RECONCILIATION_STATES,
  TRIGGERS,
  type Finding,
  type Reconciliation,
} from '../../lease/reconcile/reconciliation.js';
import type { HoldStatus } from '../../lease/hold.js';
import { instant, uuid } from '../schema/fields.js';
import { instantOf, instantOrNull } from '../view/page-view.js';

const counts = z.object(
  Object.fromEntries(FINDING_KINDS.map((kind) => [kind, z.int()])) as Record<
    (typeof FINDING_KINDS)[number],
    z.ZodInt
  >,
);

/** A reconciliation in an answer. */
export const reconciliationView = z
  .object({
    id: uuid,
    trigger: z.enum(TRIGGERS).describe('`scheduled`: by itself; `hold`: because a hold began'),
    dry_run: z.boolean(),
    state: z.enum(RECONCILIATION_STATES),
    reason: z.string().nullable(),
    requested_at: instant,
    requested_by: z.string(),
    started_at: instant.nullable(),
    finished_at: instant.nullable(),
    error: z.string().nullable(),
    counts: counts.describe('differences by kind; all of them, also where not every one is listed'),
    acted: z.int().describe('differences that it settled'),
    looked_at: z.object({
      rows: z.int(),
      vault_leases: z.int(),
      tokens: z.int(),
      target_users: z.int(),
    }),
    not_looked_at: z.array(z.object({ what: z.string(), why: z.string() })),
    clock_skew_ms: z
      .object({ database: z.int().nullable(), vault: z.int().nullable() })
      .describe('how far the other clocks are ahead; null where they do not tell'),
    held: z.boolean().describe('whether it held revocation, because there was too much to settle by itself'),
  })
  .meta({ id: 'ReconciliationView' });
export type ReconciliationView = z.output<typeof reconciliationView>;

/** One difference in an answer. */
export const findingView = z
  .object({
    kind: z.enum(FINDING_KINDS),
    detail: z.string(),
    action: z.enum(['none', 'done', 'failed']).describe('what was done about it'),
    credential: z.string().nullable(),
    mount: z.string().nullable(),
    lease_id: uuid.nullable(),
    vault_lease: z.string().nullable(),
    account: z.string().nullable().describe('the user at the target'),
  })
  .meta({ id: 'FindingView' });
export type FindingView = z.output<typeof findingView>;

/** The hold in an answer. */
export const holdView = z
  .object({
    held: z.boolean().describe('ends are recorded and wait'),
    changed_at: instant.nullable(),
    changed_by: z.string().nullable(),
    reason: z.string().nullable(),
    look: reconciliationView.nullable().describe('the newest comparison of the books since the hold began'),
  })
  .meta({ id: 'HoldView' });
export type HoldView = z.output<typeof holdView>;

/** A reconciliation as it is answered. */
export function reconciliationViewOf(run: Reconciliation): ReconciliationView {
  const { counts: seen, acted, lookedAt, notLookedAt, skewMs, held } = run.summary;
  return {
    id: run.id,
    trigger: run.trigger,
    dry_run: run.dryRun,
    state: run.state,
    reason: run.reason,
    requested_at: instantOf(run.requestedAt),
    requested_by: run.requestedBy,
    started_at: instantOrNull(run.startedAt),
    finished_at: instantOrNull(run.finishedAt),
    error: run.error,
    counts: { ...seen },
    acted,
    looked_at: {
      rows: lookedAt.rows,
      vault_leases: lookedAt.vaultLeases,
      tokens: lookedAt.tokens,
      target_users: lookedAt.targetUsers,
    },
    not_looked_at: notLookedAt.map((each) => ({ ...each })),
    clock_skew_ms: { ...skewMs },
    held,
  };
}

/** A difference as it is answered. */
export function findingViewOf(finding: Finding): FindingView {
  return {
    kind: finding.kind,
    detail: finding.detail,
    action: finding.action,
    credential: finding.credential ?? null,
    mount: finding.mount ?? null,
    lease_id: finding.leaseId ?? null,
    vault_lease: finding.vaultLease ?? null,
    account: finding.account ?? null,
  };
}

/** The hold as it is answered. */
export function holdViewOf(status: HoldStatus): HoldView {
  return {
    held: status.held,
    changed_at: instantOrNull(status.changedAt),
    changed_by: status.changedBy,
    reason: status.reason,
    look: status.look === null ? null : reconciliationViewOf(status.look),
  };
}
