import type { AuditFilters } from '../audit-filters.js';

/** Which entries a hold keeps: all that is given must hold. An account stands here as its HMAC. */
export type HoldSelector = Omit<
  AuditFilters,
  'fromIndex' | 'toIndex' | 'outcome' | 'code' | 'request' | 'step'
>;

/** An order that entries must stay, whatever their age. */
export interface LegalHold {
  readonly id: string;
  readonly selector: HoldSelector;
  readonly reason: string;
  readonly placedAt: Date;
  readonly placedBy: string;
  readonly liftedAt: Date | null;
  readonly liftedBy: string | null;
  readonly liftedBecause: string | null;
}

/** A hold as the database has it. */
export interface HoldRow {
  readonly id: string;
  readonly selector: Readonly<Record<string, unknown>>;
  readonly reason: string;
  readonly placed_at: Date;
  readonly placed_by: string;
  readonly lifted_at: Date | null;
  readonly lifted_by: string | null;
  readonly lifted_because: string | null;
}

/** A row as a hold. */
export function holdOf(row: HoldRow): LegalHold {
  const { from, to, ...others } = row.selector as Readonly<Record<string, string>>;
  return {
    id: row.id,
    selector: {
      ...others,
      ...(from !== undefined && { from: new Date(from) }),
      ...(to !== undefined && { to: new Date(to) }),
    },
    reason: row.reason,
    placedAt: row.placed_at,
    placedBy: row.placed_by,
    liftedAt: row.lifted_at,
    liftedBy: row.lifted_by,
    liftedBecause: row.lifted_because,
  };
}
