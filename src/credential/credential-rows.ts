import type { Tx } from '../database/transaction.js';
import type {
  Credential,
  CredentialKind,
  CredentialParameters,
  CredentialSpec,
  Delivery,
} from './credential.js';

interface CredentialRow {
  name: string;
  version: number;
  kind: CredentialKind;
  mount: string;
  path: string;
  parameters: CredentialParameters;
  deliveries: Delivery[];
  default_ttl_seconds: number;
  max_ttl_seconds: number;
  revocable: boolean;
  enabled: boolean;
  description: string;
  labels: Record<string, string>;
  created_at: Date;
  created_by: string;
  updated_at: Date;
}

/** The entries that the rest of a statement selects. */
export async function selectCredentials(tx: Tx, where: string, values: unknown[]): Promise<Credential[]> {
  const rows = await tx.query<CredentialRow[]>(`SELECT * FROM credentials ${where}`, values);
  return rows.map(toCredential);
}

/** Adds an entry; answers nothing if the name is taken. */
export async function insertCredential(
  tx: Tx,
  spec: CredentialSpec,
  createdBy: string,
  now: Date,
): Promise<Credential | undefined> {
  const rows = await tx.query<CredentialRow[]>(
    `INSERT INTO credentials (name, kind, mount, path, parameters, deliveries, default_ttl_seconds, max_ttl_seconds,
       revocable, description, labels, created_at, created_by, updated_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $12)
     ON CONFLICT (name) DO NOTHING RETURNING *`,
    [...specValues(spec), now, createdBy],
  );
  return rows[0] && toCredential(rows[0]);
}

/** Replaces what an entry says and counts its version up; the caller holds the row's lock. */
export async function updateCredential(tx: Tx, spec: CredentialSpec, now: Date): Promise<Credential> {
  await tx.query(
    `UPDATE credentials SET kind = $2, mount = $3, path = $4, parameters = $5, deliveries = $6,
       default_ttl_seconds = $7, max_ttl_seconds = $8, revocable = $9, description = $10, labels = $11,
       version = version + 1, updated_at = $12 WHERE name = $1`,
    [...specValues(spec), now],
  );
  const [row] = await selectCredentials(tx, 'WHERE name = $1', [spec.name]);
  if (row === undefined) throw new Error('a locked credential is gone');
  return row;
}

/** Names of the fields that differ between two versions. */
export function changedFields(before: Credential, after: Credential): string[] {
  const ignored: readonly (keyof Credential)[] = ['version', 'updatedAt'];
  return (Object.keys(after) as (keyof Credential)[]).filter(
    (key) => !ignored.includes(key) && JSON.stringify(before[key]) !== JSON.stringify(after[key]),
  );
}

function specValues(spec: CredentialSpec): unknown[] {
  return [
    spec.name,
    spec.kind,
    spec.mount,
    spec.path,
    JSON.stringify(spec.parameters),
    spec.deliveries,
    spec.defaultTtlSeconds,
    spec.maxTtlSeconds,
    spec.revocable,
    spec.description,
    JSON.stringify(spec.labels),
  ];
}

function toCredential(row: CredentialRow): Credential {
  return {
    name: row.name,
    version: row.version,
    kind: row.kind,
    mount: row.mount,
    path: row.path,
    parameters: row.parameters,
    deliveries: row.deliveries,
    defaultTtlSeconds: row.default_ttl_seconds,
    maxTtlSeconds: row.max_ttl_seconds,
    revocable: row.revocable,
    enabled: row.enabled,
    description: row.description,
    labels: row.labels,
    createdAt: row.created_at,
    createdBy: row.created_by,
    updatedAt: row.updated_at,
  };
}
