import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Scheduled exports: how far each has written the log to its folder, and which span it is at. */
export class ScheduledExports1700000014000 implements MigrationInterface {
  name = 'ScheduledExports1700000014000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN);
  }
}

const UP = [
  // The fence grows with each holder: what an earlier one writes later changes nothing.
  `CREATE TABLE scheduled_exports (
     name text PRIMARY KEY,
     next_index bigint NOT NULL CHECK (next_index >= 0),
     fence bigint NOT NULL DEFAULT 0,
     next_at timestamptz NOT NULL,
     -- Where the span ends that is being written; whoever goes on after a crash writes the same one.
     pending_to bigint CHECK (pending_to > next_index),
     attempts integer NOT NULL DEFAULT 0,
     last_error text,
     failing_since timestamptz,
     last_at timestamptz,
     last_from bigint,
     last_to bigint,
     last_count bigint,
     last_folder text,
     created_at timestamptz NOT NULL,
     CHECK ((attempts = 0) = (last_error IS NULL)),
     CHECK ((attempts = 0) = (failing_since IS NULL))
   )`,
  `CREATE FUNCTION refuse_backward_export() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     IF NEW.next_index < OLD.next_index OR NEW.fence < OLD.fence THEN
       RAISE EXCEPTION 'a scheduled export never goes back' USING ERRCODE = 'check_violation';
     END IF;
     -- A span that was begun is finished or given up as a whole: another end would make a gap, or a double.
     IF OLD.pending_to IS NOT NULL AND NEW.pending_to IS DISTINCT FROM OLD.pending_to
       AND NOT (NEW.pending_to IS NULL AND NEW.next_index = OLD.pending_to) THEN
       RAISE EXCEPTION 'the span of a scheduled export is fixed' USING ERRCODE = 'check_violation';
     END IF;
     RETURN NEW;
   END $$`,
  `CREATE TRIGGER scheduled_exports_forward BEFORE UPDATE ON scheduled_exports FOR EACH ROW EXECUTE FUNCTION refuse_backward_export()`,
  // Entries past their age that wait for somebody who has not read them yet.
  `CREATE TABLE audit_retention_wait (
     from_idx bigint NOT NULL REFERENCES audit_part,
     class text NOT NULL,
     since timestamptz NOT NULL,
     PRIMARY KEY (from_idx, class)
   )`,
  `CREATE TRIGGER scheduled_exports_kept BEFORE DELETE ON scheduled_exports FOR EACH ROW EXECUTE FUNCTION refuse_change()`,
];

const DOWN = `
  DROP TABLE scheduled_exports, audit_retention_wait;
  DROP FUNCTION refuse_backward_export();
`;
