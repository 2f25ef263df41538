import type { DataSource } from 'typeorm';
import { MIGRATIONS } from './database/data-source.js';

/** Names of the migrations that the database has not seen yet. */
export async function pendingMigrations(dataSource: DataSource): Promise<string[]> {
  const [table] = await dataSource.query<{ found: string | null }[]>(
    `SELECT to_regclass('schema_migrations')::text AS found`,
  );
  const rows =
    typeof table?.found !== 'string'
      ? []
      : await dataSource.query<{ name: string }[]>('SELECT name FROM schema_migrations');
  const run = new Set(rows.map(({ name }) => name));
  return MIGRATIONS.map((migration) => new migration().name).filter((name) => !run.has(name));
}
