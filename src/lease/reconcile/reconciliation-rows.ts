import type { Finding, Reconciliation, ReconciliationState, Summary, Trigger } from './reconciliation.js';
import { NOTHING_SEEN } from './reconciliation.js';

/** A row of `reconciliations` as the driver gives it. */
export interface ReconciliationRow {
  readonly id: string;
  readonly trigger: Trigger;
  readonly dry_run: boolean;
  readonly state: ReconciliationState;
  readonly reason: string | null;
  readonly requested_at: Date;
  readonly requested_by: string;
  readonly started_at: Date | null;
  readonly finished_at: Date | null;
  readonly error: string | null;
  readonly summary: Partial<Summary>;
}

/** The columns of a {@link ReconciliationRow}. */
export const RECONCILIATION_COLUMNS =
  'id, trigger, dry_run, state, reason, requested_at, requested_by, started_at, finished_at, error, summary';

/** A row of `reconciliation_findings`. */
export interface FindingRow {
  readonly seq: number;
  readonly kind: Finding['kind'];
  readonly detail: string;
  readonly action: Finding['action'];
  readonly credential: string | null;
  readonly mount: string | null;
  readonly lease_id: string | null;
  readonly vault_lease: string | null;
  readonly account: string | null;
}

/** The reconciliation that a row describes. */
export function reconciliationOf(row: ReconciliationRow): Reconciliation {
  return {
    id: row.id,
    trigger: row.trigger,
    dryRun: row.dry_run,
    state: row.state,
    reason: row.reason,
    requestedAt: row.requested_at,
    requestedBy: row.requested_by,
    startedAt: row.started_at,
    finishedAt: row.finished_at,
    error: row.error,
    summary: { ...NOTHING_SEEN, ...row.summary },
  };
}

/** The finding that a row describes. */
export function findingOf(row: FindingRow): Finding {
  return {
    kind: row.kind,
    detail: row.detail,
    action: row.action,
    credential: row.credential ?? undefined,
    mount: row.mount ?? undefined,
    leaseId: row.lease_id ?? undefined,
    vaultLease: row.vault_lease ?? undefined,
    account: row.account ?? undefined,
  };
}
