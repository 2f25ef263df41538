import type { AuditScope } from '../settings/issuer-schema.js';
import { isUuid } from '../kernel/ids.js';
import { searchText } from './stored-event.js';

/** What of the log somebody may read: everything, or what at least one of these scopes lets them. */
export type AuditReach = 'everything' | readonly AuditScope[];

/** The expressions in a statement that hold the kind and the grant of what is read. */
export interface ReachColumns {
  readonly kind: string;
  readonly grantId: string;
}

/** Of `audit_entry`. */
export const ENTRY_COLUMNS: ReachColumns = { kind: 'kind', grantId: 'grant_id' };

/**
 * The reach as a condition; `add` takes a value and answers its parameter. All parts of a scope must hold. An empty list
 * of scopes reaches nothing, and what belongs to no grant is beyond a scope that names grants or labels.
 */
export function reachClause(
  reach: AuditReach,
  columns: ReachColumns,
  add: (value: unknown) => string,
): string {
  if (reach === 'everything') return 'true';
  if (reach.length === 0) return 'false';
  return `(${reach.map((scope) => scopeClause(scope, columns, add)).join(' OR ')})`;
}

function scopeClause(scope: AuditScope, columns: ReachColumns, add: (value: unknown) => string): string {
  const clauses: string[] = [];
  if (scope.kinds !== undefined) {
    const exact = scope.kinds.filter((kind) => !kind.endsWith('.*'));
    const groups = scope.kinds.filter((kind) => kind.endsWith('.*')).map((kind) => kind.slice(0, -2));
    clauses.push(
      `(${columns.kind} = ANY(${add(exact)}::text[]) OR split_part(${columns.kind}, '.', 1) = ANY(${add(groups)}::text[]))`,
    );
  }
  if (scope.grants !== undefined) {
    const ids = scope.grants.filter(isUuid);
    clauses.push(
      `(${columns.grantId} = ANY(${add(ids)}::uuid[]) OR ${columns.grantId} IN (SELECT id FROM grants WHERE name = ANY(${add(scope.grants.map(searchText))}::text[])))`,
    );
  }
  if (scope.labels !== undefined) {
    clauses.push(
      `${columns.grantId} IN (SELECT id FROM grants WHERE labels @> ${add(JSON.stringify(scope.labels))}::jsonb)`,
    );
  }
  return clauses.length === 0 ? 'false' : `(${clauses.join(' AND ')})`;
}
