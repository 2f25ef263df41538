import type { DataSource } from 'typeorm';

/** Roles of the database that logins are made members of; none of them can log in itself. */
export const DATABASE_ROLES = ['leasegate_app', 'leasegate_sequencer', 'leasegate_auditor'] as const;

const LOG_TABLES = ['audit_entry', 'audit_tile', 'audit_checkpoint', 'audit_log_key', 'audit_origin'];

const GRANTS = `DO $$
  DECLARE name text;
  BEGIN
    FOREACH name IN ARRAY ARRAY['${DATABASE_ROLES.join("','")}'] LOOP
      IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = name) THEN EXECUTE format('CREATE ROLE %I NOLOGIN', name); END IF;
      EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', name);
    END LOOP;
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
      IF name LIKE 'audit\\_%' THEN
        EXECUTE format('REVOKE ALL ON %I FROM leasegate_app, leasegate_sequencer, leasegate_auditor', name);
        EXECUTE format('GRANT SELECT ON %I TO leasegate_app, leasegate_sequencer, leasegate_auditor', name);
      ELSIF name = 'schema_migrations' THEN
        EXECUTE format('GRANT SELECT ON %I TO leasegate_app, leasegate_sequencer', name);
      ELSE
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I TO leasegate_app', name);
      END IF;
    END LOOP;
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO leasegate_app, leasegate_sequencer;
    GRANT INSERT ON audit_inbox TO leasegate_app, leasegate_sequencer;
    GRANT DELETE ON audit_inbox TO leasegate_sequencer;
    GRANT INSERT ON ${LOG_TABLES.join(', ')} TO leasegate_sequencer;
    GRANT UPDATE ON audit_head TO leasegate_sequencer;
    GRANT EXECUTE ON FUNCTION thin_audit_checkpoints(integer) TO leasegate_sequencer;
    GRANT EXECUTE ON FUNCTION cut_audit_month() TO leasegate_sequencer;
  END $$`;

/**
 * Makes the roles and gives each what it needs and no more; any number of times, after each migration. The login has to
 * own the tables. Nobody but the owner can change, delete or truncate entries, or drop their triggers.
 */
export async function grantRoles(dataSource: DataSource): Promise<void> {
  // Two that create a role of the whole cluster at once would make one of them fail.
  await dataSource.transaction(async (tx) => {
    await tx.query('SELECT pg_advisory_xact_lock(hashtext($1))', ['leasegate.roles']);
    await tx.query(GRANTS);
  });
}

/** Functions that act on the log with the rights of their owner, and what the sequencer's role alone may call of them. */
const OWNER_FUNCTIONS = ['thin_audit_checkpoints', 'cut_audit_month'];
/** What nobody but the owner may call. */
const OWNERS_ALONE = ['cut_audit_part', 'guard_audit_part'];

/**
 * Which functions could do to the log what their caller may not: that run with their owner's rights and are not known here, are
 * everybody's, or look for names where the caller says; and what only the owner may call. In words, empty when there is nothing.
 */
export async function functionPowers(dataSource: DataSource): Promise<readonly string[]> {
  const rows = await dataSource.query<{ name: string; problems: string[] }[]>(
    `SELECT p.proname AS name, array_remove(ARRAY[
       CASE WHEN p.prosecdef AND p.proname <> ALL($1) THEN 'acts with its owner''s rights' END,
       CASE WHEN p.prosecdef AND NOT coalesce(p.proconfig::text LIKE '%search_path=%', false)
         THEN 'takes its search_path from who calls it' END,
       CASE WHEN (p.prosecdef OR p.proname = ANY($2)) AND has_function_privilege('public', p.oid, 'EXECUTE')
         THEN 'can be called by everybody' END,
       CASE WHEN p.proname = ANY($2) AND NOT pg_has_role(p.proowner, 'MEMBER') AND has_function_privilege(p.oid, 'EXECUTE')
         THEN 'can be called by this login' END], NULL) AS problems
     FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
     WHERE n.nspname = 'public'
       AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
     ORDER BY 1`,
    [OWNER_FUNCTIONS, OWNERS_ALONE],
  );
  return rows
    .filter(({ problems }) => problems.length > 0)
    .map(({ name, problems }) => `${name}() ${problems.join(', ')}`);
}

/** What this login could do to the log that the broker must not be able to; in words, empty when there is nothing. */
export async function powersOverLog(dataSource: DataSource): Promise<readonly string[]> {
  const rows = await dataSource.query<{ relname: string; powers: string[] }[]>(
    `SELECT c.relname, array_remove(ARRAY[
       CASE WHEN has_table_privilege(c.oid, 'UPDATE') THEN 'update' END,
       CASE WHEN has_table_privilege(c.oid, 'DELETE') THEN 'delete from' END,
       CASE WHEN has_table_privilege(c.oid, 'TRUNCATE') THEN 'truncate' END,
       CASE WHEN has_table_privilege(c.oid, 'TRIGGER') OR pg_has_role(c.relowner, 'MEMBER')
         THEN 'drop triggers of' END], NULL) AS powers
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
       AND (c.relname LIKE 'audit\\_entry%' OR c.relname = ANY($1))
     ORDER BY c.relname`,
    [LOG_TABLES],
  );
  return rows
    .filter(({ powers }) => powers.length > 0)
    .map(({ relname, powers }) => `${powers.join(', ')} ${relname}`);
}
