import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  // Signed checkpoints, oldest ones thinned out by retention; what was signed for a size never changes.
  `CREATE TABLE audit_checkpoint (
     origin text NOT NULL,
     size bigint NOT NULL CHECK (size >= 0),
     root_hash bytea NOT NULL CHECK (length(root_hash) = 32),
     note text NOT NULL,
     signed_at timestamptz NOT NULL,
     PRIMARY KEY (origin, size)
   )`,
  `CREATE TRIGGER audit_checkpoint_immutable BEFORE UPDATE ON audit_checkpoint FOR EACH ROW EXECUTE FUNCTION refuse_change()`,
  `CREATE TRIGGER audit_checkpoint_never_truncated BEFORE TRUNCATE ON audit_checkpoint FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`,
  // Every key that has signed, also when Vault has forgotten it.
  `CREATE TABLE audit_log_key (
     key_line text PRIMARY KEY,
     origin text NOT NULL,
     version integer NOT NULL CHECK (version > 0),
     created_at timestamptz NOT NULL,
     first_used_at timestamptz NOT NULL
   )`,
  `CREATE TRIGGER audit_log_key_append_only BEFORE UPDATE OR DELETE ON audit_log_key FOR EACH ROW EXECUTE FUNCTION refuse_change()`,
  `CREATE TRIGGER audit_log_key_never_truncated BEFORE TRUNCATE ON audit_log_key FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`,
  // Each time that the log went on as a new one: as what, from where, and after which one that was signed. The link is a
  // signed note; null where the log was not signed.
  `CREATE TABLE audit_origin (
     origin text PRIMARY KEY,
     began_at timestamptz NOT NULL,
     size bigint NOT NULL CHECK (size >= 0),
     root_hash bytea NOT NULL CHECK (length(root_hash) = 32),
     former text NOT NULL,
     former_size bigint NOT NULL CHECK (former_size >= 0),
     former_root bytea NOT NULL CHECK (length(former_root) = 32),
     lost integer NOT NULL CHECK (lost >= 0),
     link text,
     reason text NOT NULL
   )`,
  `CREATE TRIGGER audit_origin_append_only BEFORE UPDATE OR DELETE ON audit_origin FOR EACH ROW EXECUTE FUNCTION refuse_change()`,
  `CREATE TRIGGER audit_origin_never_truncated BEFORE TRUNCATE ON audit_origin FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`,
  // The only way in which checkpoints go, since nobody but the owner may delete them: of those older than a day the last of
  // each hour stays, and of those older than 30 days the last of each day. The newest of an origin always stays.
  `CREATE FUNCTION thin_audit_checkpoints(most integer) RETURNS integer LANGUAGE sql SECURITY DEFINER
   SET search_path = public, pg_temp AS $$
     WITH placed AS (
       SELECT origin, size, signed_at, max(size) OVER (PARTITION BY origin) AS newest,
         max(size) OVER (PARTITION BY origin, date_trunc(
           CASE WHEN signed_at < clock_timestamp() - interval '30 days' THEN 'day' ELSE 'hour' END, signed_at)) AS last
       FROM audit_checkpoint WHERE signed_at < clock_timestamp() - interval '1 day'
     ), gone AS (
       DELETE FROM audit_checkpoint c USING (
         SELECT origin, size FROM placed WHERE size <> newest AND size <> last ORDER BY origin, size LIMIT most) p
       WHERE c.origin = p.origin AND c.size = p.size RETURNING 1
     ) SELECT count(*)::int FROM gone $$`,
  `REVOKE ALL ON FUNCTION thin_audit_checkpoints(integer) FROM PUBLIC`,
  `CREATE INDEX audit_checkpoint_time ON audit_checkpoint (signed_at)`,
];

/** Checkpoints of the log, the keys that signed them, and the origins that it had. */
export class Log1700000009000 implements MigrationInterface {
  name = 'Log1700000009000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP FUNCTION thin_audit_checkpoints(integer)');
    await runner.query('DROP TABLE audit_checkpoint, audit_log_key, audit_origin');
  }
}
