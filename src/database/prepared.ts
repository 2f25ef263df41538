import type { Pool } from 'pg';
import { QueryFailedError } from 'typeorm';
import type { Tx } from './transaction.js';

/** A statement of a hot path. The name stands for this text for ever; a changed text is another name. */
export interface PreparedStatement {
  readonly name: string;
  readonly text: string;
}

/**
 * Runs a statement that each connection of the pool parses and plans once. For the few that every request waits for:
 * planning a statement with several CTEs takes longer than running it. Inside a transaction it is an ordinary query.
 *
 * Connections must be the broker's own: a pooler in transaction mode has to know prepared statements (PgBouncer
 * from 1.21 on does).
 */
export async function prepared<Row>(
  tx: Tx,
  statement: PreparedStatement,
  values: readonly unknown[],
): Promise<Row[]> {
  const { name, text } = statement;
  if (tx.queryRunner !== undefined) return tx.query<Row[]>(text, [...values]);
  const pool = (tx.dataSource.driver as unknown as { readonly master: Pool }).master;
  try {
    const { rows } = await pool.query({ name, text, values: values.map(written) });
    return rows as Row[];
  } catch (error) {
    // The same class as any other query's, but without the values.
    throw new QueryFailedError(text, [], error as Error);
  }
}

/** The driver writes an instant part by part in the local time zone, which takes as long as the rest of a statement. */
function written(value: unknown): unknown {
  return value instanceof Date ? value.toISOString() : value;
}
