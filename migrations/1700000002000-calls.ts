import type { MigrationInterface, QueryRunner } from 'typeorm';
import { ADMIT_CALLS, COMPLETE_CALLS } from './1700000002000-calls-functions.js';

/**
 * Calls of the gateway and what limits them. A call is admitted and ended by one statement each, for a whole group of
 * calls at once; see the functions.
 */
export class Calls1700000002000 implements MigrationInterface {
  name = 'Calls1700000002000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN);
  }
}

const UP = [
  // No foreign keys: a call is inserted with the rows of its run and grant locked, and a check of each row again would
  // cost more than the row. Runs and leases are dropped earlier than calls may be.
  // Room is left in its pages, since each row is changed once, soon after it was written.
  `CREATE TABLE calls (
     id uuid PRIMARY KEY,
     run_ref uuid NOT NULL,
     run_id text NOT NULL,
     step_id text NOT NULL CHECK (length(step_id) BETWEEN 1 AND 256),
     grant_id uuid NOT NULL,
     grant_version integer NOT NULL,
     issuer text NOT NULL,
     subject text NOT NULL,
     tool text NOT NULL,
     tool_version integer NOT NULL,
     state text NOT NULL CHECK (state IN ('open', 'ended')),
     outcome text CHECK (outcome IN ('success', 'refused', 'failure', 'unknown')),
     code text,
     status integer,
     started_at timestamptz NOT NULL,
     deadline timestamptz NOT NULL,
     ended_at timestamptz,
     request_bytes bigint NOT NULL CHECK (request_bytes >= 0),
     response_bytes bigint CHECK (response_bytes >= 0),
     reserved_micros bigint NOT NULL CHECK (reserved_micros >= 0),
     cost_micros bigint CHECK (cost_micros >= 0),
     units jsonb NOT NULL DEFAULT '{}',
     replica text NOT NULL,
     settles uuid[] NOT NULL,
     CHECK ((state = 'ended') = (outcome IS NOT NULL)),
     CHECK ((state = 'ended') = (ended_at IS NOT NULL)),
     CHECK ((state = 'ended') = (cost_micros IS NOT NULL)),
     CHECK ((state = 'ended') = (response_bytes IS NOT NULL))
   ) WITH (fillfactor = 85)`,
  `COMMENT ON COLUMN calls.settles IS 'keys of limit_states that its end moves: open calls, bytes, budgets'`,
  `CREATE INDEX calls_open ON calls (deadline) WHERE state = 'open'`,
  `CREATE INDEX calls_by_run ON calls (run_ref)`,
  // Rows lie in order of time, so a summary per range of pages finds them, and costs next to nothing to keep.
  `CREATE INDEX calls_by_time ON calls USING brin (started_at) WITH (pages_per_range = 32, autosummarize = on)`,
  // A condition in a trigger is checked without calling its function: an ordinary end costs nothing.
  `CREATE TRIGGER calls_end_once BEFORE UPDATE ON calls FOR EACH ROW
     WHEN (OLD.state <> 'open' OR NEW.state <> 'ended' OR OLD.id <> NEW.id OR OLD.run_ref <> NEW.run_ref
       OR OLD.grant_id <> NEW.grant_id OR OLD.tool <> NEW.tool OR OLD.step_id <> NEW.step_id
       OR OLD.started_at <> NEW.started_at OR OLD.reserved_micros <> NEW.reserved_micros)
     EXECUTE FUNCTION refuse_change()`,
  `CREATE TRIGGER calls_open_kept BEFORE DELETE ON calls FOR EACH ROW WHEN (OLD.state = 'open') EXECUTE FUNCTION refuse_change()`,

  // What is left of calls that were dropped after their time: sums by day, step and outcome.
  `CREATE TABLE call_sums (
     day date NOT NULL,
     run_ref uuid NOT NULL,
     run_id text NOT NULL,
     step_id text NOT NULL,
     grant_id uuid NOT NULL,
     issuer text NOT NULL,
     subject text NOT NULL,
     tool text NOT NULL,
     outcome text NOT NULL,
     calls bigint NOT NULL,
     request_bytes bigint NOT NULL,
     response_bytes bigint NOT NULL,
     cost_micros bigint NOT NULL,
     units jsonb NOT NULL,
     PRIMARY KEY (day, run_ref, step_id, tool, outcome)
   )`,
  `CREATE VIEW call_costs AS
     SELECT (started_at AT TIME ZONE 'UTC')::date AS day, run_ref, run_id, step_id, grant_id, issuer, subject, tool, outcome,
       1::bigint AS calls, request_bytes, response_bytes, cost_micros, units
     FROM calls WHERE state = 'ended'
     UNION ALL
     SELECT day, run_ref, run_id, step_id, grant_id, issuer, subject, tool, outcome,
       calls, request_bytes, response_bytes, cost_micros, units
     FROM call_sums`,
  `COMMENT ON VIEW call_costs IS 'every ended call, also those whose row was dropped after its retention'`,

  // Limits. One row for each thing that is counted; its key is a hash of the name.
  `CREATE TABLE limit_states (
     key uuid PRIMARY KEY,
     kind text NOT NULL CHECK (kind IN ('calls', 'bytes', 'concurrent', 'budget')),
     name text NOT NULL,
     total bigint NOT NULL DEFAULT 0 CHECK (total >= 0),
     reserved bigint NOT NULL DEFAULT 0 CHECK (reserved >= 0 AND (reserved = 0 OR kind = 'budget')),
     last_at timestamptz NOT NULL DEFAULT '-infinity',
     keep_seconds integer NOT NULL CHECK (keep_seconds > 0)
   ) WITH (fillfactor = 50)`,
  `COMMENT ON COLUMN limit_states.total IS 'calls or bytes ever, calls open now, micros spent'`,
  `COMMENT ON COLUMN limit_states.keep_seconds IS 'how long after last_at it still counts'`,
  // No index but the key: a row would need a new entry in every index each time it is counted.
  // What was counted and when: the total went up by \`amount\` to \`upto\` at \`at\`. Both only grow, so the first entry
  // younger than a window says how much lies within it, whatever the window and the limit are.
  `CREATE TABLE limit_entries (
     key uuid NOT NULL,
     upto bigint NOT NULL,
     amount bigint NOT NULL CHECK (amount > 0),
     at timestamptz NOT NULL,
     keep_until timestamptz NOT NULL,
     PRIMARY KEY (key, upto)
   )`,
  `CREATE INDEX limit_entries_by_time ON limit_entries (key, at, upto)`,
  `CREATE TRIGGER limit_entries_immutable BEFORE UPDATE ON limit_entries FOR EACH ROW EXECUTE FUNCTION refuse_change()`,
  ADMIT_CALLS,
  COMPLETE_CALLS,
];

const DOWN = `
  DROP FUNCTION admit_calls, complete_calls;
  DROP VIEW call_costs;
  DROP TABLE limit_entries, limit_states, call_sums, calls;
`;
