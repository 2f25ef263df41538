import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Sinks: how far each receiver has been sent the log, and what it would not take. */
export class Sinks1700000012000 implements MigrationInterface {
  name = 'Sinks1700000012000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN);
  }
}

const UP = [
  // The fence grows with each holder: what an earlier one writes later changes nothing.
  `CREATE TABLE sinks (
     name text PRIMARY KEY,
     kind text NOT NULL,
     next_index bigint NOT NULL CHECK (next_index >= 0),
     fence bigint NOT NULL DEFAULT 0,
     delivered bigint NOT NULL DEFAULT 0,
     attempts integer NOT NULL DEFAULT 0,
     refused boolean NOT NULL DEFAULT false,
     next_attempt_at timestamptz,
     last_error text,
     last_delivered_at timestamptz,
     lagging_since timestamptz,
     created_at timestamptz NOT NULL,
     CHECK ((attempts = 0) = (last_error IS NULL))
   )`,
  `CREATE FUNCTION refuse_backward_sink() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     IF NEW.next_index < OLD.next_index OR NEW.fence < OLD.fence THEN
       RAISE EXCEPTION 'a sink never goes back' USING ERRCODE = 'check_violation';
     END IF;
     RETURN NEW;
   END $$`,
  `CREATE TRIGGER sinks_forward BEFORE UPDATE ON sinks FOR EACH ROW EXECUTE FUNCTION refuse_backward_sink()`,
  `CREATE TRIGGER sinks_kept BEFORE DELETE ON sinks FOR EACH ROW EXECUTE FUNCTION refuse_change()`,
  `INSERT INTO state_transitions VALUES
     ('sink_dead_letters', 'dead', 'retrying'), ('sink_dead_letters', 'retrying', 'dead'),
     ('sink_dead_letters', 'retrying', 'delivered')`,
  // The leaf is a copy: a letter outlives the part of the log that its entry was in.
  `CREATE TABLE sink_dead_letters (
     id uuid PRIMARY KEY,
     sink text NOT NULL REFERENCES sinks,
     idx bigint NOT NULL,
     event_id text NOT NULL,
     kind text NOT NULL,
     leaf bytea NOT NULL,
     state text NOT NULL DEFAULT 'dead' CHECK (state IN ('dead', 'retrying', 'delivered')),
     attempts integer NOT NULL CHECK (attempts > 0),
     last_error text NOT NULL,
     created_at timestamptz NOT NULL,
     changed_at timestamptz NOT NULL,
     UNIQUE (sink, idx)
   )`,
  `CREATE INDEX sink_dead_letters_state ON sink_dead_letters (sink, state, idx)`,
  `CREATE TRIGGER sink_dead_letters_transition BEFORE UPDATE ON sink_dead_letters FOR EACH ROW EXECUTE FUNCTION refuse_transition()`,
  `CREATE FUNCTION refuse_undelivered_loss() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     IF OLD.state <> 'delivered' THEN
       RAISE EXCEPTION 'a dead letter is kept until it is delivered' USING ERRCODE = 'check_violation';
     END IF;
     RETURN OLD;
   END $$`,
  `CREATE TRIGGER sink_dead_letters_kept BEFORE DELETE ON sink_dead_letters FOR EACH ROW EXECUTE FUNCTION refuse_undelivered_loss()`,
  `CREATE TRIGGER sink_dead_letters_never_truncated BEFORE TRUNCATE ON sink_dead_letters FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`,
];

const DOWN = `
  DROP TABLE sink_dead_letters, sinks;
  DROP FUNCTION refuse_backward_sink(), refuse_undelivered_loss();
  DELETE FROM state_transitions WHERE machine = 'sink_dead_letters';
`;
