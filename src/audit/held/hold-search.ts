import { BrokerError } from '../../kernel/broker-error.js';
import { isUuid } from '../../kernel/ids.js';
import { reachClause, type AuditReach } from '../audit-reach.js';
import { searchText } from '../stored-event.js';
import type { HoldFilters } from './hold.js';

/** A statement that answers one page of rows of `lease_holds`, newest first. */
export interface HoldSearch {
  readonly sql: string;
  readonly parameters: readonly unknown[];
}

/** Where the page before ended. */
export interface HoldPlace {
  readonly from: string;
  readonly leaseId: string;
}

/** The words of a scope that names kinds: who may see that a lease was issued may see who held it. */
const HELD_KIND = `'lease.issued'`;

/**
 * The search for what was held. What was held at a moment may have begun long before; by length classes the search looks
 * at a few short stretches of an index for it instead of at everything since. Refuses with `request_invalid`.
 */
export function holdSearch(
  filters: HoldFilters,
  reach: AuditReach,
  page: { readonly limit: number; readonly after?: HoldPlace | undefined },
  hmac: (value: string) => string,
): HoldSearch {
  const { from, to } = spanOf(filters);
  const parameters: unknown[] = [];
  const add = (value: unknown): string => `$${parameters.push(value)}`;
  const clauses = keysOf(filters, hmac).map(
    ([column, value, type]) => `h.${column} = ${add(value)}::${type}`,
  );
  if (clauses.length === 0)
    invalid('credential', 'name a credential, account, accessor, serial, lease or run');
  clauses.push(reachClause(reach, { kind: HELD_KIND, grantId: 'h.grant_id' }, add));
  if (page.after !== undefined) {
    clauses.push(
      `(h.held_from, h.lease_id) < (${add(page.after.from)}::timestamptz, ${add(page.after.leaseId)}::uuid)`,
    );
  }
  const [fixed, limit] = [clauses.join(' AND '), add(page.limit)];
  const order = `ORDER BY h.held_from DESC, h.lease_id DESC LIMIT ${limit}`;
  const begins = to === undefined ? [] : [`h.held_from < ${add(to)}::timestamptz`];
  if (from === undefined) {
    return {
      sql: `SELECT h.* FROM lease_holds h WHERE ${[fixed, ...begins].join(' AND ')} ${order}`,
      parameters,
    };
  }
  const start = `${add(from)}::timestamptz`;
  const branches = [
    `SELECT h.* FROM lease_holds h WHERE ${[fixed, ...begins, `h.held_from > ${start}`].join(' AND ')} ${order}`,
    `SELECT h.* FROM lease_holds h WHERE ${fixed} AND h.held_to IS NULL AND h.held_from <= ${start} ${order}`,
    `SELECT h.* FROM generate_series(0, 31) AS class CROSS JOIN LATERAL (
       SELECT h.* FROM lease_holds h
       WHERE ${fixed} AND h.held_to IS NOT NULL AND h.length_class = class AND h.held_from <= ${start}
         AND h.held_from >= ${start} - (2.0 ^ class) * interval '1 second' AND h.held_to > ${start}
       ${order}) h`,
  ];
  const united = branches.map((branch) => `(${branch})`).join(' UNION ALL ');
  return { sql: `SELECT h.* FROM (${united}) h ${order}`, parameters };
}

/** The serial number of a certificate as Vault writes it: pairs of lower-case hex digits with colons. */
export function serialOf(text: string): string {
  const digits = text
    .trim()
    .replace(/^0x/i, '')
    .replace(/[\s:-]/g, '')
    .toLowerCase();
  if (!/^[0-9a-f]{2,80}$/.test(digits)) invalid('serial', 'is not a serial number in hex');
  const even = digits.length % 2 === 0 ? digits : `0${digits}`;
  return (even.match(/../g) ?? []).join(':');
}

function keysOf(
  filters: HoldFilters,
  hmac: (value: string) => string,
): (readonly [column: string, value: string | null, type: string])[] {
  const { credential, account, accessor, serial, lease, runRef } = filters;
  for (const [field, value] of [
    ['lease', lease],
    ['run_ref', runRef],
  ] as const) {
    if (value !== undefined && !isUuid(value)) invalid(field, 'is not an id');
  }
  return [
    ...(credential === undefined ? [] : [['credential', searchText(credential), 'text'] as const]),
    ...(account === undefined ? [] : [['account_hmac', hmac(account), 'text'] as const]),
    ...(serial === undefined ? [] : [['account_hmac', hmac(serialOf(serial)), 'text'] as const]),
    ...(accessor === undefined ? [] : [['accessor_hmac', hmac(accessor), 'text'] as const]),
    ...(lease === undefined ? [] : [['lease_id', lease, 'uuid'] as const]),
    ...(runRef === undefined ? [] : [['run_ref', runRef, 'uuid'] as const]),
  ];
}

/** `[from, to)`; a moment is the shortest span that there is. */
function spanOf({ at, from, to }: HoldFilters): { from: string | undefined; to: string | undefined } {
  if (at !== undefined && (from !== undefined || to !== undefined))
    invalid('at', 'is a moment, and from and to are a span');
  if (from !== undefined && to !== undefined && to.getTime() <= from.getTime())
    invalid('to', 'is not after from');
  const end = at === undefined ? to : new Date(at.getTime() + 1);
  return { from: (at ?? from)?.toISOString(), to: end?.toISOString() };
}

function invalid(field: string, detail: string): never {
  throw new BrokerError('request_invalid', { field, detail });
}
