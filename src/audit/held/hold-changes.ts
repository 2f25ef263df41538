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

/** An entry, as far as it matters here. */
export type LoggedEvent = Pick<AuditRecord, 'index' | 'event'>;

/** A row that events add to: what one of them does not say, another one may. By the names of the columns. */
export type RowChange = Readonly<Growing>;
type Growing = Record<string, string | number | boolean | null>;

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
export function holdChanges(records: Iterable<LoggedEvent>): HoldChanges {
  const leases = new Map<string, Growing>();
  const runs = new Map<string, Growing>();
  const decisions: RowChange[] = [];
  for (const { index, event } of records) {
    const columns = columnsOfEvent(event);
    const data = member(event['data']);
    const { kind, occurredAt: at } = columns;
    if (at === undefined) continue;
    if (kind.startsWith('lease.') && columns.leaseId !== null) {
      addToLease(leases, columns.leaseId, index, at, columns, data);
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

/** Adds what an event says to the row of its lease. One object per lease, of one shape: there may be many thousands. */
function addToLease(
  rows: Map<string, Growing>,
  leaseId: string,
  index: number,
  at: string,
  columns: EventColumns,
  data: Readonly<Record<string, unknown>>,
): void {
  let row = rows.get(leaseId);
  if (row === undefined) rows.set(leaseId, (row = newLease(leaseId, at, index)));
  row['credential'] = columns.credential ?? row['credential'] ?? null;
  row['run_ref'] = columns.runRef ?? row['run_ref'] ?? null;
  row['run_id'] = columns.runId ?? row['run_id'] ?? null;
  row['step_id'] = columns.stepId ?? row['step_id'] ?? null;
  row['grant_id'] = columns.grantId ?? row['grant_id'] ?? null;
  row['grant_name'] = columns.grantName ?? row['grant_name'] ?? null;
  row['grant_version'] = columns.grantVersion ?? row['grant_version'] ?? null;
  row['workload_issuer'] = columns.workloadIssuer ?? row['workload_issuer'] ?? null;
  row['workload_subject'] = columns.workloadSubject ?? row['workload_subject'] ?? null;
  switch (columns.kind) {
    case 'lease.requested':
      row['kind'] = textOf(data['kind']) ?? row['kind'] ?? null;
      row['mount'] = textOf(data['mount']) ?? row['mount'] ?? null;
      row['delivery'] = textOf(data['delivery']) ?? row['delivery'] ?? null;
      row['accessor_hmac'] = textOf(data['accessor']) ?? row['accessor_hmac'] ?? null;
      return;
    case 'lease.issued':
      row['issued_at'] = at;
      row['issued_idx'] = index;
      row['delivery'] = textOf(data['delivery']) ?? row['delivery'] ?? null;
      row['expires_at'] = timeOf(data['expires_at']) ?? row['expires_at'] ?? null;
      row['account_hmac'] = textOf(data['account']) ?? row['account_hmac'] ?? null;
      return;
    case 'lease.renewed':
      row['expires_at'] = timeOf(data['expires_at']) ?? row['expires_at'] ?? null;
      return;
    case 'lease.forgotten':
      row['ended_at'] = at;
      row['ended_idx'] = index;
      row['end_state'] = 'forgotten';
      row['end_cause'] = textOf(data['cause']) ?? row['end_cause'] ?? null;
      row['expires_at'] = timeOf(data['max_expires_at']) ?? row['expires_at'] ?? null;
      return;
    default:
      row['ended_at'] = at;
      row['ended_idx'] = index;
      row['end_state'] = textOf(data['state']) ?? row['end_state'] ?? null;
      row['end_cause'] = textOf(data['cause']) ?? row['end_cause'] ?? null;
      row['proof'] = textOf(data['proof']) ?? row['proof'] ?? null;
      row['secret_lives_on'] = data['secret_lives_on'] === true;
  }
}

function newLease(leaseId: string, at: string, index: number): Growing {
  return {
    lease_id: leaseId,
    credential: null,
    kind: null,
    mount: null,
    delivery: null,
    accessor_hmac: null,
    account_hmac: null,
    run_ref: null,
    run_id: null,
    step_id: null,
    grant_id: null,
    grant_name: null,
    grant_version: null,
    workload_issuer: null,
    workload_subject: null,
    held_from: at,
    issued_at: null,
    expires_at: null,
    ended_at: null,
    end_state: null,
    end_cause: null,
    proof: null,
    secret_lives_on: false,
    first_idx: index,
    issued_idx: null,
    ended_idx: null,
  };
}

function runChange(
  index: number,
  at: string,
  columns: EventColumns,
  data: Readonly<Record<string, unknown>>,
): Growing {
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

/** A value that is known replaces one that is not. */
function merge(rows: Map<string, Growing>, key: string, change: Growing): void {
  const before = rows.get(key);
  if (before === undefined) {
    rows.set(key, change);
    return;
  }
  for (const name in change) {
    const value = change[name] ?? null;
    if (value !== null) before[name] = value;
  }
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
