import { BrokerError } from '../kernel/broker-error.js';
import { isUuid } from '../kernel/ids.js';
import { decodeCursor, pageOf, type Page } from '../database/page.js';
import type { Tx } from '../database/transaction.js';
import { checkLimit } from '../credential/spec.js';
import type { GrantState } from './grant.js';
import { selectGrants, type StoredGrant } from './grant-rows.js';

/** Which grants, and which page of them. */
export interface GrantFilter {
  readonly state?: GrantState;
  /** Name of the issuer. */
  readonly issuer?: string;
  /** Name of a credential that the current version grants. */
  readonly credential?: string;
  /** Name of a tool that the current version grants. */
  readonly tool?: string;
  /** `key` or `key=value`. */
  readonly label?: string;
  /** 1 to 500. */
  readonly limit: number;
  readonly cursor?: string;
}

/** A grant at its current version; `not_found` if there is none. */
export async function readGrant(tx: Tx, idOrName: string): Promise<StoredGrant> {
  const [grant] = await selectGrants(tx, `WHERE g.${isUuid(idOrName) ? 'id' : 'name'} = $1`, [idOrName]);
  if (grant === undefined) throw new BrokerError('not_found', { detail: 'no grant of this id or name' });
  return grant;
}

/**
 * Locks a grant's row until the transaction ends, then reads it. Two statements: in one, a row that changed while the
 * lock was waited for would be joined with the version from before and so not be found. The lock is the one that lets
 * foreign keys to the grant be checked meanwhile.
 */
export async function lockGrant(tx: Tx, idOrName: string): Promise<StoredGrant> {
  await tx.query(`SELECT 1 FROM grants WHERE ${isUuid(idOrName) ? 'id' : 'name'} = $1 FOR NO KEY UPDATE`, [
    idOrName,
  ]);
  return readGrant(tx, idOrName);
}

/** Grants, newest first. */
export async function listGrants(tx: Tx, filter: GrantFilter): Promise<Page<StoredGrant>> {
  const limit = checkLimit(filter.limit);
  const [labelKey, ...labelValue] = filter.label?.split('=') ?? [];
  const rows = await selectGrants(
    tx,
    `WHERE ($1::text IS NULL OR g.state = $1) AND ($2::text IS NULL OR g.issuer = $2)
       AND ($3::jsonb IS NULL OR v.spec->'credentials' @> $3)
       AND ($4::text IS NULL OR jsonb_exists(g.labels, $4)) AND ($5::text IS NULL OR g.labels->>$4 = $5)
       AND ($6::uuid IS NULL OR g.id < $6) AND ($8::jsonb IS NULL OR v.spec->'tools' @> $8)
     ORDER BY g.id DESC LIMIT $7`,
    [
      filter.state ?? null,
      filter.issuer ?? null,
      filter.credential === undefined ? null : JSON.stringify([{ name: filter.credential }]),
      labelKey ?? null,
      labelValue.length === 0 ? null : labelValue.join('='),
      cursorId(filter.cursor),
      limit + 1,
      filter.tool === undefined ? null : JSON.stringify([{ name: filter.tool }]),
    ],
  );
  return pageOf(rows, limit, (row) => [row.id]);
}

/** The id that a page begins after; ids are in order of creation. */
export function cursorId(cursor: string | undefined): string | null {
  if (cursor === undefined) return null;
  const id = decodeCursor(cursor, 1)[0];
  if (typeof id === 'string' && isUuid(id)) return id;
  throw new BrokerError('request_invalid', { field: 'cursor', detail: 'is not a cursor of this list' });
}
