import { BrokerError } from '../kernel/broker-error.js';
import { isUuid } from '../kernel/ids.js';
import { ENTRY_COLUMNS, reachClause, type AuditReach } from './audit-reach.js';
import type { Outcome } from './event.js';
import { searchText } from './stored-event.js';

/** Which events are meant; all that is given must hold. Text is compared exactly. */
export interface AuditFilters {
  /** Any of these kinds. */
  readonly kinds?: readonly string[] | undefined;
  readonly outcome?: Outcome | undefined;
  readonly code?: string | undefined;
  /** Not before this time. */
  readonly from?: Date | undefined;
  /** Before this time. */
  readonly to?: Date | undefined;
  /** The platform's run id; more than one run may have it. */
  readonly run?: string | undefined;
  /** Our id of the run. */
  readonly runRef?: string | undefined;
  readonly step?: string | undefined;
  /** Id or name of a grant. */
  readonly grant?: string | undefined;
  readonly grantVersion?: number | undefined;
  readonly lease?: string | undefined;
  readonly credential?: string | undefined;
  /** Name of a tool. */
  readonly tool?: string | undefined;
  /** Subject of the workload that it is about. */
  readonly workload?: string | undefined;
  /** Subject of who did it; `system:NAME` for the broker's own work, `anonymous` for nobody known. */
  readonly actor?: string | undefined;
  readonly request?: string | undefined;
  /** The plain name of a leased account, such as a database user: finds the `lease.issued` that made it. */
  readonly account?: string | undefined;
  /** What the reader may see at all; everything unless given, which is for the broker's own readers. */
  readonly reach?: AuditReach | undefined;
  /** From this index on. */
  readonly fromIndex?: number | undefined;
  /** Up to and without this index. */
  readonly toIndex?: number | undefined;
}

/** A condition in SQL on `audit_entry`, with its parameters. */
export interface Condition {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/** Filters that leave out entries in the middle; bounds of the index do not, and the chain can be checked between them. */
export function leavesGaps(filters: AuditFilters): boolean {
  const { fromIndex: _from, toIndex: _to, reach, ...others } = filters;
  if (reach !== undefined && reach !== 'everything') return true;
  return Object.values(others).some((value) => value !== undefined);
}

/**
 * The filters as a condition; `hmac` is that of the inbox. Refuses with `request_invalid` what could never match
 * because of its form, since an empty answer would read as "there was nothing".
 */
export function conditionOf(filters: AuditFilters, hmac: (value: string) => string): Condition {
  const parameters: unknown[] = [];
  const clauses: string[] = [];
  const add = (clause: (parameter: string) => string, value: unknown): void => {
    if (value === undefined) return;
    parameters.push(value);
    clauses.push(clause(`$${parameters.length}`));
  };
  const parameterOf = (value: unknown): string => `$${parameters.push(value)}`;
  const equal = (column: string, value: string | undefined): void =>
    add((parameter) => `${column} = ${parameter}`, value === undefined ? undefined : searchText(value));

  if (filters.kinds !== undefined && filters.kinds.length === 0) invalid('kind', 'names no kind');
  add((parameter) => `kind = ANY(${parameter}::text[])`, filters.kinds?.map(searchText));
  equal('outcome', filters.outcome);
  equal('code', filters.code);
  add((parameter) => `occurred_at >= ${parameter}::timestamptz`, time('from', filters.from));
  add((parameter) => `occurred_at < ${parameter}::timestamptz`, time('to', filters.to));
  equal('run_id', filters.run);
  equal('run_ref', uuid('run_ref', filters.runRef));
  equal('step_id', filters.step);
  if (filters.grant !== undefined && isUuid(filters.grant)) equal('grant_id', filters.grant);
  else if (filters.grant !== undefined) {
    add(
      (parameter) => `grant_id = (SELECT id FROM grants WHERE name = ${parameter})`,
      searchText(filters.grant),
    );
  }
  add((parameter) => `grant_version = ${parameter}::integer`, count('grant_version', filters.grantVersion));
  equal('lease_id', uuid('lease', filters.lease));
  equal('credential', filters.credential);
  equal('tool', filters.tool);
  equal('workload_subject', filters.workload);
  if (filters.actor !== undefined) {
    // In the words of the two indexes: what workloads do themselves, which is nearly all, is not indexed twice.
    const actor = parameterOf(searchText(filters.actor));
    clauses.push(
      `((actor_subject = ${actor} AND actor_subject IS DISTINCT FROM workload_subject)
        OR (workload_subject = ${actor} AND actor_subject = ${actor}))`,
    );
  }
  equal('request_id', filters.request);
  if (filters.account !== undefined) {
    clauses.push(`kind = 'lease.issued'`);
    equal('account_hmac', hmac(filters.account));
  }
  if (filters.reach !== undefined) clauses.push(reachClause(filters.reach, ENTRY_COLUMNS, parameterOf));
  add((parameter) => `idx >= ${parameter}::bigint`, index('from_index', filters.fromIndex));
  add((parameter) => `idx < ${parameter}::bigint`, index('to_index', filters.toIndex));
  return { sql: clauses.length === 0 ? 'true' : clauses.join(' AND '), parameters };
}

function uuid(field: string, value: string | undefined): string | undefined {
  if (value !== undefined && !isUuid(value)) invalid(field, 'is not an id');
  return value;
}

function time(field: string, value: Date | undefined): string | undefined {
  if (value !== undefined && Number.isNaN(value.getTime())) invalid(field, 'is not a time');
  return value?.toISOString();
}

function count(field: string, value: number | undefined): number | undefined {
  if (value !== undefined && (!Number.isInteger(value) || value < 1 || value >= 2 ** 31))
    invalid(field, 'is not a version');
  return value;
}

function index(field: string, value: number | undefined): number | undefined {
  if (value !== undefined && (!Number.isSafeInteger(value) || value < 0)) invalid(field, 'is not an index');
  return value;
}

function invalid(field: string, detail: string): never {
  throw new BrokerError('request_invalid', { field, detail });
}
