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
  // Logs that this one goes on from; the newest is the present one.
  `CREATE TABLE audit_origin (
     origin text PRIMARY KEY,
     began_at timestamptz NOT NULL,
     former text,
     former_size bigint,
     former_root bytea,
     link text,
     reason text
   )`,
  `CREATE TRIGGER audit_origin_append_only BEFORE UPDATE OR DELETE ON audit_origin FOR EACH ROW EXECUTE FUNCTION refuse_change()`,
  `CREATE TRIGGER audit_origin_never_truncated BEFORE TRUNCATE ON audit_origin FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`,
];

/** Checkpoints of the log, the keys that signed them, and the origins that it had. */
export class Log1700000009000 implements MigrationInterface {
  name = 'Log1700000009000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('DROP TABLE audit_checkpoint, audit_log_key, audit_origin');
  }
}
