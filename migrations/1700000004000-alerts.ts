import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Alerts: how far the log was read, what fires, who is not to be woken, and what has to be told to whom. */
export class Alerts1700000004000 implements MigrationInterface {
  name = 'Alerts1700000004000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN);
  }
}

const UP = [
  // What happened before there were rules wakes nobody.
  `CREATE TABLE alert_cursor (
     singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
     next_index bigint NOT NULL CHECK (next_index >= 0)
   )`,
  `INSERT INTO alert_cursor (next_index) SELECT size FROM audit_head`,
  `CREATE FUNCTION refuse_backward_alert_cursor() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     IF NEW.next_index < OLD.next_index THEN
       RAISE EXCEPTION 'the log is never read again: events would be told twice' USING ERRCODE = 'check_violation';
     END IF;
     RETURN NEW;
   END $$`,
  `CREATE TRIGGER alert_cursor_forward BEFORE UPDATE ON alert_cursor FOR EACH ROW EXECUTE FUNCTION refuse_backward_alert_cursor()`,
  `CREATE TRIGGER alert_cursor_kept BEFORE DELETE ON alert_cursor FOR EACH ROW EXECUTE FUNCTION refuse_change()`,

  `INSERT INTO state_transitions VALUES
     ('alerts', 'firing', 'resolved'),
     ('alert_notifications', 'waiting', 'delivered'), ('alert_notifications', 'waiting', 'abandoned')`,
  `CREATE TABLE alerts (
     id uuid PRIMARY KEY,
     rule text NOT NULL,
     severity text NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
     summary text NOT NULL,
     group_key text NOT NULL,
     labels jsonb NOT NULL,
     state text NOT NULL DEFAULT 'firing' CHECK (state IN ('firing', 'resolved')),
     events bigint NOT NULL CHECK (events > 0),
     told_events bigint NOT NULL DEFAULT 0,
     first_index bigint NOT NULL,
     last_index bigint NOT NULL CHECK (last_index >= first_index),
     first_event_at timestamptz NOT NULL,
     last_event_at timestamptz NOT NULL,
     samples jsonb NOT NULL,
     opened_at timestamptz NOT NULL,
     changed_at timestamptz NOT NULL,
     notify_at timestamptz,
     notified_at timestamptz,
     notifications integer NOT NULL DEFAULT 0,
     silenced_by uuid,
     resolved_at timestamptz,
     CHECK ((state = 'resolved') = (resolved_at IS NOT NULL)),
     CHECK (told_events <= events),
     -- What somebody has still to be told cannot end untold.
     CHECK (state = 'firing' OR notify_at IS NULL)
   )`,
  `CREATE UNIQUE INDEX alerts_one_firing_per_group ON alerts (rule, group_key) WHERE state = 'firing'`,
  `CREATE INDEX alerts_due ON alerts (notify_at) WHERE notify_at IS NOT NULL`,
  `CREATE INDEX alerts_quiet ON alerts (rule, changed_at) WHERE state = 'firing' AND notify_at IS NULL`,
  `CREATE INDEX alerts_resolved ON alerts (resolved_at) WHERE state = 'resolved'`,
  `CREATE TRIGGER alerts_transition BEFORE UPDATE ON alerts FOR EACH ROW EXECUTE FUNCTION refuse_transition()`,

  `CREATE TABLE alert_silences (
     id uuid PRIMARY KEY,
     matchers jsonb NOT NULL CHECK (jsonb_typeof(matchers) = 'object' AND matchers <> '{}'),
     comment text NOT NULL CHECK (comment <> ''),
     created_at timestamptz NOT NULL,
     created_by text NOT NULL,
     until timestamptz NOT NULL CHECK (until > created_at),
     ended_at timestamptz,
     ended_by text,
     CHECK ((ended_at IS NULL) = (ended_by IS NULL))
   )`,
  `CREATE INDEX alert_silences_open ON alert_silences (until) WHERE ended_at IS NULL`,
  `ALTER TABLE alerts ADD FOREIGN KEY (silenced_by) REFERENCES alert_silences`,

  `CREATE TABLE alert_notifications (
     id uuid PRIMARY KEY,
     alert_id uuid REFERENCES alerts ON DELETE CASCADE,
     kind text NOT NULL CHECK (kind IN ('firing', 'resolved', 'test')),
     channel text NOT NULL,
     body jsonb NOT NULL,
     state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'delivered', 'abandoned')),
     created_at timestamptz NOT NULL,
     attempts integer NOT NULL DEFAULT 0,
     next_attempt_at timestamptz NOT NULL,
     claimed_by uuid,
     claimed_until timestamptz,
     last_error text,
     ended_at timestamptz,
     CHECK ((state = 'waiting') = (ended_at IS NULL)),
     CHECK ((alert_id IS NULL) = (kind = 'test'))
   )`,
  `CREATE INDEX alert_notifications_due ON alert_notifications (channel, next_attempt_at) WHERE state = 'waiting'`,
  `CREATE INDEX alert_notifications_of_alert ON alert_notifications (alert_id)`,
  `CREATE TRIGGER alert_notifications_transition BEFORE UPDATE ON alert_notifications FOR EACH ROW EXECUTE FUNCTION refuse_transition()`,
];

const DOWN = `
  DROP TABLE alert_notifications, alerts, alert_silences, alert_cursor;
  DROP FUNCTION refuse_backward_alert_cursor();
  DELETE FROM state_transitions WHERE machine IN ('alerts', 'alert_notifications');
`;
