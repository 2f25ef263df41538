import type { AuditRecord } from '../audit-query.js';
import { columnsOfEvent, type EventColumns } from '../stored-event.js';

/** Kinds of events from which it is told who held what. */
export const LEASE_KINDS = [
  'lease.requested',
  'lease.issued',
  'lease.renewed',
  'lease.ended',
  'lease.forgotten',
] as const;
export const RUN_KINDS = ['run.opened', 'run.closed', 'run.revoked', 'run.expired'] as const;
export const DECISION_KINDS = [
  'grant.created',
  'grant.changed',
  'grant.submitted',
  'grant.approved',
  'grant.activated',
] as const;
export const HOLD_KINDS: readonly string[] = [...LEASE_KINDS, ...RUN_KINDS, ...DECISION_KINDS];

/** A row that events add to: what one of them does not say, another one may. By the names of the columns. */
export type RowChange = Readonly<Record<string, string | number | boolean | null>>;

/** What a stretch of the log says, one change for each row. */
export interface HoldChanges {
  readonly leases: readonly RowChange[];
  readonly runs: readonly RowChange[];
  readonly decisions: readonly RowChange[];
}

/**
 * The changes that events bring, in the order of the log; a later event wins where two say the same. Events that name no
 * lease, run or version of a grant are passed over: the log takes whatever it is given.
 */
export function holdChanges(records: readonly AuditRecord[]): HoldChanges {
  const leases = new Map<string, RowChange>();
  const runs = new Map<string, RowChange>();
  const decisions: RowChange[] = [];
  for (const { index, event } of records) {
    const columns = columnsOfEvent(event);
    const data = member(event['data']);
    const { kind, occurredAt: at } = columns;
    if (at === undefined) continue;
    if (kind.startsWith('lease.') && columns.leaseId !== null) {
      merge(leases, columns.leaseId, leaseChange(index, at, columns, data));
    } else if (kind.startsWith('run.') && columns.runRef !== null) {
      merge(runs, columns.runRef, runChange(index, at, columns, data));
    } else if (kind.startsWith('grant.') && columns.grantId !== null) {
      const version = columns.grantVersion ?? numberOf(data['version']);
      if (version === null || !Number.isInteger(version) || Math.abs(version) >= 2 ** 31) continue;
      decisions.push({
        idx: index,
        grant_id: columns.grantId,
        version,
        kind,
        at,
        by_issuer: columns.actorIssuer,
        by_subject: columns.actorSubject,
      });
    }
  }
  return { leases: [...leases.values()], runs: [...runs.values()], decisions };
}

function leaseChange(
  index: number,
  at: string,
  columns: EventColumns,
  data: Readonly<Record<string, unknown>>,
): RowChange {
  const known = {
    lease_id: columns.leaseId,
    credential: columns.credential,
    run_ref: columns.runRef,
    run_id: columns.runId,
    step_id: columns.stepId,
    grant_id: columns.grantId,
    grant_name: columns.grantName,
    grant_version: columns.grantVersion,
    workload_issuer: columns.workloadIssuer,
    workload_subject: columns.workloadSubject,
    held_from: at,
    first_idx: index,
  };
  switch (columns.kind) {
    case 'lease.requested':
      return {
        ...known,
        kind: textOf(data['kind']),
        mount: textOf(data['mount']),
        delivery: textOf(data['delivery']),
        accessor_hmac: textOf(data['accessor']),
      };
    case 'lease.issued':
      return {
        ...known,
        issued_at: at,
        issued_idx: index,
        delivery: textOf(data['delivery']),
        expires_at: timeOf(data['expires_at']),
        account_hmac: textOf(data['account']),
      };
    case 'lease.renewed':
      return { ...known, expires_at: timeOf(data['expires_at']) };
    case 'lease.forgotten':
      return {
        ...known,
        ended_at: at,
        ended_idx: index,
        end_state: 'forgotten',
        end_cause: textOf(data['cause']),
        expires_at: timeOf(data['max_expires_at']),
      };
    default:
      return {
        ...known,
        ended_at: at,
        ended_idx: index,
        end_state: textOf(data['state']),
        end_cause: textOf(data['cause']),
        proof: textOf(data['proof']),
        secret_lives_on: data['secret_lives_on'] === true,
      };
  }
}

function runChange(
  index: number,
  at: string,
  columns: EventColumns,
  data: Readonly<Record<string, unknown>>,
): RowChange {
  const known = {
    run_ref: columns.runRef,
    run_id: columns.runId,
    workload_issuer: columns.workloadIssuer,
    workload_subject: columns.workloadSubject,
    grant_id: columns.grantId,
    grant_name: columns.grantName,
    grant_version: columns.grantVersion,
  };
  if (columns.kind !== 'run.opened') {
    return {
      ...known,
      ended_at: at,
      ended_kind: columns.kind,
      ended_by: columns.actorSubject,
      ended_idx: index,
    };
  }
  const claims = data['claims'];
  return {
    ...known,
    opened_at: at,
    opened_idx: index,
    claims: claims === undefined ? null : JSON.stringify(claims),
  };
}

/** A value that is known replaces one that is not; the first sight of it stays. */
function merge(rows: Map<string, RowChange>, key: string, change: RowChange): void {
  const before = rows.get(key);
  if (before === undefined) {
    rows.set(key, change);
    return;
  }
  const said = Object.entries(change).filter(([, value]) => value !== null);
  const { held_from, first_idx } = before;
  rows.set(key, {
    ...before,
    ...Object.fromEntries(said),
    ...(held_from !== undefined && first_idx !== undefined && { held_from, first_idx }),
  });
}

function member(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : {};
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' ? value : null;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value.slice(0, 512).replaceAll('\0', '\uFFFD') : null;
}

function timeOf(value: unknown): string | null {
  const time = typeof value === 'string' ? new Date(value) : undefined;
  return time === undefined || Number.isNaN(time.getTime()) ? null : time.toISOString();
}
