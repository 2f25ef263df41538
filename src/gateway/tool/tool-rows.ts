import { prepared } from '../../database/prepared.js';
import type { Tx } from '../../database/transaction.js';
import type { ToolSpec } from './tool-spec.js';
import type { Tool, ToolVersion } from './tool.js';

interface ToolRow {
  name: string;
  version: number;
  spec: ToolSpec;
  enabled: boolean;
  credential_off: boolean;
  created_at: Date;
  created_by: string;
  updated_at: Date;
}

const SELECT = `SELECT t.name, t.version, v.spec, t.enabled, t.credential_off, t.created_at, t.created_by, t.updated_at
   FROM tools t JOIN tool_versions v ON v.tool = t.name AND v.version = t.version`;

/** Tools at their current version. `rest` is the end of the statement, over `t` (tools) and `v` (tool_versions). */
export async function selectTools(tx: Tx, rest: string, values: unknown[]): Promise<Tool[]> {
  return (await tx.query<ToolRow[]>(`${SELECT} ${rest}`, values)).map(toTool);
}

/** Tools of these names, in order of name; those that there are not are left out. */
export async function selectToolsNamed(tx: Tx, names: readonly string[]): Promise<Tool[]> {
  const text = `${SELECT} WHERE t.name = ANY($1) ORDER BY t.name`;
  return (await prepared<ToolRow>(tx, { name: 'tools-named-2', text }, [names])).map(toTool);
}

/**
 * Locks a tool's row until the transaction ends, then reads it: in one statement, a row that changed while the lock
 * was waited for would be joined with the version from before.
 */
export async function lockTool(tx: Tx, name: string): Promise<Tool | undefined> {
  await tx.query('SELECT 1 FROM tools WHERE name = $1 FOR NO KEY UPDATE', [name]);
  return (await selectTools(tx, 'WHERE t.name = $1', [name]))[0];
}

/** Adds a tool with its first version; answers false if the name is taken. */
export async function insertTool(tx: Tx, spec: ToolSpec, author: string, now: Date): Promise<boolean> {
  const rows = await tx.query<unknown[]>(
    `INSERT INTO tools (name, version, labels, created_at, created_by, updated_at) VALUES ($1, 1, $2, $3, $4, $3)
     ON CONFLICT (name) DO NOTHING RETURNING name`,
    [spec.name, JSON.stringify(spec.labels), now, author],
  );
  if (rows.length === 0) return false;
  await insertVersion(tx, spec, 1, author, now);
  return true;
}

/** Makes a new version the current one; the caller holds the row's lock. */
export async function addToolVersion(
  tx: Tx,
  spec: ToolSpec,
  version: number,
  author: string,
  now: Date,
): Promise<void> {
  await insertVersion(tx, spec, version, author, now);
  await tx.query('UPDATE tools SET version = $2, labels = $3, updated_at = $4 WHERE name = $1', [
    spec.name,
    version,
    JSON.stringify(spec.labels),
    now,
  ]);
}

/** Every version of a tool, or the one, oldest first. */
export async function selectToolVersions(tx: Tx, name: string, version?: number): Promise<ToolVersion[]> {
  const rows = await tx.query<
    { tool: string; version: number; spec: ToolSpec; created_at: Date; created_by: string }[]
  >(
    `SELECT tool, version, spec, created_at, created_by FROM tool_versions
     WHERE tool = $1 AND ($2::integer IS NULL OR version = $2) ORDER BY version`,
    [name, version ?? null],
  );
  return rows.map((row) => ({
    tool: row.tool,
    version: row.version,
    spec: row.spec,
    createdAt: row.created_at,
    createdBy: row.created_by,
  }));
}

async function insertVersion(
  tx: Tx,
  spec: ToolSpec,
  version: number,
  author: string,
  now: Date,
): Promise<void> {
  await tx.query(
    'INSERT INTO tool_versions (tool, version, spec, created_at, created_by) VALUES ($1, $2, $3, $4, $5)',
    [spec.name, version, JSON.stringify(spec), now, author],
  );
}

function toTool(row: ToolRow): Tool {
  return {
    name: row.name,
    version: row.version,
    spec: row.spec,
    enabled: row.enabled,
    credentialOff: row.credential_off,
    createdAt: row.created_at,
    createdBy: row.created_by,
    updatedAt: row.updated_at,
  };
}
