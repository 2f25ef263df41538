import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  // What each part of the log is, also when its entries have left the database.
  `CREATE TABLE audit_part (
     from_idx bigint PRIMARY KEY CHECK (from_idx >= 0 AND from_idx % 256 = 0),
     to_idx bigint CHECK (to_idx > from_idx AND to_idx % 256 = 0),
     opened_at timestamptz NOT NULL DEFAULT clock_timestamp(),
     cut_at timestamptz,
     -- Set while a cut of a large part is being prepared.
     next_idx bigint
   )`,
  `CREATE UNIQUE INDEX audit_part_open ON audit_part ((true)) WHERE to_idx IS NULL`,
  `INSERT INTO audit_part (from_idx) VALUES (0)`,
  // A class of kinds in one part. No row: its entries are in the database and nowhere else.
  `CREATE TABLE audit_archive (
     from_idx bigint NOT NULL REFERENCES audit_part,
     class text NOT NULL,
     state text NOT NULL CHECK (state IN ('archived', 'removed', 'restored', 'destroyed')),
     -- The kinds that it holds; what stays behind of others is another class.
     kinds text[] NOT NULL,
     entries bigint NOT NULL CHECK (entries >= 0),
     -- Which they are: a bit for each index of the part, the lowest of a byte first.
     members bytea NOT NULL,
     first_at timestamptz NOT NULL,
     last_at timestamptz NOT NULL,
     file text,
     sha256 bytea CHECK (length(sha256) = 32),
     archived_at timestamptz,
     removed_at timestamptz,
     restored_at timestamptz,
     destroyed_at timestamptz,
     PRIMARY KEY (from_idx, class),
     CHECK ((file IS NULL) = (sha256 IS NULL)),
     CHECK (file IS NOT NULL OR state = 'destroyed')
   )`,
  // Not compressed, so that the 32 bytes of a tile are read without the others.
  `ALTER TABLE audit_archive ALTER COLUMN members SET STORAGE EXTERNAL`,
  `CREATE TRIGGER audit_archive_kept BEFORE DELETE ON audit_archive FOR EACH ROW EXECUTE FUNCTION refuse_change()`,
  `CREATE TRIGGER audit_part_kept BEFORE DELETE ON audit_part FOR EACH ROW EXECUTE FUNCTION refuse_change()`,
  `CREATE TRIGGER audit_archive_never_truncated BEFORE TRUNCATE ON audit_archive FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`,
  `CREATE TRIGGER audit_part_never_truncated BEFORE TRUNCATE ON audit_part FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`,

  // Entries that somebody has said must stay.
  `CREATE TABLE legal_holds (
     id uuid PRIMARY KEY,
     selector jsonb NOT NULL,
     reason text NOT NULL,
     placed_at timestamptz NOT NULL,
     placed_by text NOT NULL,
     lifted_at timestamptz,
     lifted_by text,
     lifted_because text,
     CHECK ((lifted_at IS NULL) = (lifted_by IS NULL))
   )`,
  `CREATE INDEX legal_holds_standing ON legal_holds (id) WHERE lifted_at IS NULL`,
  `CREATE FUNCTION legal_hold_lifted_once() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     IF OLD.lifted_at IS NOT NULL OR (NEW.id, NEW.selector, NEW.reason, NEW.placed_at, NEW.placed_by)
       IS DISTINCT FROM (OLD.id, OLD.selector, OLD.reason, OLD.placed_at, OLD.placed_by) THEN
       RAISE EXCEPTION 'a legal hold is only ever lifted, once' USING ERRCODE = 'insufficient_privilege';
     END IF;
     RETURN NEW;
   END $$`,
  `CREATE TRIGGER legal_hold_forward BEFORE UPDATE ON legal_holds FOR EACH ROW EXECUTE FUNCTION legal_hold_lifted_once()`,
  `CREATE TRIGGER legal_hold_kept BEFORE DELETE ON legal_holds FOR EACH ROW EXECUTE FUNCTION refuse_change()`,
  `CREATE TRIGGER legal_hold_never_truncated BEFORE TRUNCATE ON legal_holds FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`,

  // Ends the open part before an index and opens the next one there. Reads and the sequencer wait for it: short, since
  // attaching looks through the part only while no valid constraint says what it holds.
  `CREATE FUNCTION cut_audit_part(boundary bigint) RETURNS void LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
   DECLARE
     part audit_part;
     name text;
     following text := format('audit_entry_%s', boundary);
   BEGIN
     SELECT * INTO STRICT part FROM audit_part WHERE to_idx IS NULL FOR UPDATE;
     IF boundary % 256 <> 0 OR boundary <= part.from_idx OR boundary < (SELECT size FROM audit_head) THEN
       RAISE EXCEPTION 'the open part cannot be cut at %', boundary;
     END IF;
     name := format('audit_entry_%s', part.from_idx);
     -- Whoever reads long makes us give up, and not everybody behind us wait.
     SET LOCAL lock_timeout = '3s';
     LOCK TABLE audit_entry IN ACCESS EXCLUSIVE MODE;
     EXECUTE format('ALTER TABLE audit_entry DETACH PARTITION %I', name);
     EXECUTE format('ALTER TABLE audit_entry ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', name, part.from_idx, boundary);
     EXECUTE format('ALTER TABLE %I DROP CONSTRAINT IF EXISTS audit_part_range', name);
     EXECUTE format('CREATE TABLE %I PARTITION OF audit_entry FOR VALUES FROM (%s) TO (MAXVALUE)', following, boundary);
     PERFORM guard_audit_part(following::regclass);
     UPDATE audit_part SET to_idx = boundary, cut_at = clock_timestamp(), next_idx = NULL WHERE from_idx = part.from_idx;
     INSERT INTO audit_part (from_idx) VALUES (boundary);
   END $$`,
  // What the sequencer's role may do: cut when a month has gone by, and nothing else. Loses nothing, whoever calls it.
  // Answers where it was cut; null when it was not time, or when a large part has to be prepared first.
  `CREATE FUNCTION cut_audit_month() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
   DECLARE
     part audit_part;
     began timestamptz;
     log_size bigint;
     boundary bigint;
     name text;
   BEGIN
     PERFORM pg_advisory_xact_lock(hashtext('leasegate.audit.parts'));
     SELECT * INTO STRICT part FROM audit_part WHERE to_idx IS NULL;
     SELECT size INTO STRICT log_size FROM audit_head;
     SELECT occurred_at INTO began FROM audit_entry WHERE idx = part.from_idx;
     IF began IS NULL OR date_trunc('month', began, 'UTC') >= date_trunc('month', clock_timestamp(), 'UTC') THEN RETURN NULL; END IF;
     name := format('audit_entry_%s', part.from_idx);
     IF log_size - part.from_idx <= 200000 THEN
       boundary := (log_size + 255) / 256 * 256;
     ELSIF part.next_idx IS NULL OR part.next_idx < log_size THEN
       -- Prepared in a statement of its own: the constraint holds for what comes, and is not checked for what is there.
       boundary := (log_size + greatest(100000, (log_size - part.from_idx) / 20) + 255) / 256 * 256;
       SET LOCAL lock_timeout = '3s';
       EXECUTE format('ALTER TABLE %I DROP CONSTRAINT IF EXISTS audit_part_range', name);
       EXECUTE format('ALTER TABLE %I ADD CONSTRAINT audit_part_range CHECK (idx >= %s AND idx < %s) NOT VALID', name, part.from_idx, boundary);
       UPDATE audit_part SET next_idx = boundary WHERE from_idx = part.from_idx;
       RETURN NULL;
     ELSE
       boundary := part.next_idx;
       -- Looks through the part while everybody goes on; the cut itself then need not.
       EXECUTE format('ALTER TABLE %I VALIDATE CONSTRAINT audit_part_range', name);
     END IF;
     PERFORM cut_audit_part(boundary);
     RETURN boundary;
   END $$`,
  `REVOKE ALL ON FUNCTION cut_audit_part(bigint), cut_audit_month(), guard_audit_part(regclass) FROM PUBLIC`,
];

const DOWN = `
  DROP FUNCTION cut_audit_month(), cut_audit_part(bigint);
  DROP TABLE legal_holds, audit_archive, audit_part;
  DROP FUNCTION legal_hold_lifted_once();
`;

/** Parts of the log by month, what was archived of them, and legal holds. */
export class AuditPartitions1700000013000 implements MigrationInterface {
  name = 'AuditPartitions1700000013000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN);
  }
}
