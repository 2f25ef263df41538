import type { Tx } from '../database/transaction.js';
import type { GrantSpec } from './grant-spec.js';
import type { Grant, GrantState, GrantVersion } from './grant.js';

/** A grant as it is stored, with one of its versions; warnings are not stored. */
export type StoredGrant = Omit<Grant, 'warnings'> & {
  /** Who saved this version, who may not approve it. */
  readonly author: string;
  readonly approvedBy: string | null;
};

interface GrantRow {
  id: string;
  name: string;
  state: GrantState;
  version: number;
  /** A spec from before there were tools has none. */
  spec: Omit<GrantSpec, 'tools'> & Partial<Pick<GrantSpec, 'tools'>>;
  expires_at: Date | null;
  created_at: Date;
  created_by: string;
  updated_at: Date;
  author: string;
  approved_by: string | null;
}

/**
 * Grants at their current version. `rest` is the end of the statement, over `g` (grants) and `v` (grant_versions);
 * lock with `FOR … OF g`.
 */
export async function selectGrants(tx: Tx, rest: string, values: unknown[]): Promise<StoredGrant[]> {
  return select(tx, 'v.version = g.version', rest, values);
}

/** A grant at one of its versions. */
export async function selectGrantVersion(
  tx: Tx,
  id: string,
  version: number,
): Promise<StoredGrant | undefined> {
  const [row] = await select(tx, 'v.version = $2', 'WHERE g.id = $1', [id, version]);
  return row;
}

async function select(tx: Tx, version: string, rest: string, values: unknown[]): Promise<StoredGrant[]> {
  const rows = await tx.query<GrantRow[]>(
    `SELECT g.id, g.name, g.state, v.version, v.spec, g.expires_at, g.created_at, g.created_by, g.updated_at,
       v.created_by AS author, v.approved_by
     FROM grants g JOIN grant_versions v ON v.grant_id = g.id AND ${version} ${rest}`,
    values,
  );
  return rows.map(toGrant);
}

/** Every version of a grant, oldest first. */
export async function selectVersions(tx: Tx, grantId: string): Promise<GrantVersion[]> {
  const rows = await tx.query<
    Pick<GrantRow, 'version' | 'spec' | 'created_at' | 'created_by' | 'approved_by'>[]
  >(
    `SELECT version, spec, created_at, created_by, approved_by FROM grant_versions WHERE grant_id = $1 ORDER BY version`,
    [grantId],
  );
  return rows.map((row) => ({
    grantId,
    version: row.version,
    spec: withTools(row.spec),
    createdAt: row.created_at,
    createdBy: row.created_by,
    approvedBy: row.approved_by,
  }));
}

/** Adds a grant with its first version; answers false if the name is taken. */
export async function insertGrant(
  tx: Tx,
  grant: { readonly id: string; readonly state: GrantState; readonly spec: GrantSpec },
  author: string,
  now: Date,
): Promise<boolean> {
  const { id, state, spec } = grant;
  const rows = await tx.query<unknown[]>(
    `INSERT INTO grants (id, name, state, version, issuer, expires_at, labels, created_at, created_by, updated_at)
     VALUES ($1, $2, $3, 1, $4, $5, $6, $7, $8, $7) ON CONFLICT (name) DO NOTHING RETURNING id`,
    [id, spec.name, state, spec.issuer, spec.expiresAt ?? null, JSON.stringify(spec.labels), now, author],
  );
  if (rows.length === 0) return false;
  await insertVersion(tx, id, 1, spec, author, now);
  return true;
}

/** Adds a version and makes it the current one; the caller holds the grant's lock. */
export async function addVersion(
  tx: Tx,
  grant: {
    readonly id: string;
    readonly state: GrantState;
    readonly version: number;
    readonly spec: GrantSpec;
  },
  author: string,
  now: Date,
): Promise<void> {
  const { id, state, version, spec } = grant;
  await insertVersion(tx, id, version, spec, author, now);
  await tx.query(
    `UPDATE grants SET state = $2, version = $3, issuer = $4, expires_at = $5, labels = $6, updated_at = $7 WHERE id = $1`,
    [id, state, version, spec.issuer, spec.expiresAt ?? null, JSON.stringify(spec.labels), now],
  );
}

/** Moves a grant to another state; the caller holds its lock and has checked the machine. */
export async function moveGrant(tx: Tx, id: string, state: GrantState, now: Date): Promise<void> {
  await tx.query('UPDATE grants SET state = $2, updated_at = $3 WHERE id = $1', [id, state, now]);
}

/** Writes down who approved a version; the only thing that can ever be added to one, and only once. */
export async function recordApproval(tx: Tx, id: string, version: number, approver: string): Promise<void> {
  await tx.query('UPDATE grant_versions SET approved_by = $3 WHERE grant_id = $1 AND version = $2', [
    id,
    version,
    approver,
  ]);
}

async function insertVersion(
  tx: Tx,
  id: string,
  version: number,
  spec: GrantSpec,
  author: string,
  now: Date,
): Promise<void> {
  await tx.query(
    'INSERT INTO grant_versions (grant_id, version, spec, created_at, created_by) VALUES ($1, $2, $3, $4, $5)',
    [id, version, JSON.stringify(spec), now, author],
  );
}

function withTools(spec: GrantRow['spec']): GrantSpec {
  return { ...spec, tools: spec.tools ?? [] };
}

function toGrant(row: GrantRow): StoredGrant {
  return {
    id: row.id,
    name: row.name,
    state: row.state,
    version: row.version,
    spec: withTools(row.spec),
    expiresAt: row.expires_at,
    createdAt: row.created_at,
    createdBy: row.created_by,
    updatedAt: row.updated_at,
    author: row.author,
    approvedBy: row.approved_by,
  };
}
