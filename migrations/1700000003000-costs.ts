import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What calls came to by day and provider's key, and what providers say that they came to. */
export class Costs1700000003000 implements MigrationInterface {
  name = 'Costs1700000003000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN);
  }
}

const UP = [
  // The same rows as the view call_costs, by days of UTC. As a function, so that the times of calls are compared as they
  // are stored: a date that is computed for each row would have to be computed for every row there is.
  `CREATE FUNCTION call_costs_between(from_day date, to_day date)
   RETURNS TABLE (day date, run_ref uuid, run_id text, step_id text, grant_id uuid, issuer text, subject text, tool text,
     tool_version integer, outcome text, calls bigint, request_bytes bigint, response_bytes bigint, cost_micros bigint, units jsonb)
   LANGUAGE sql STABLE AS $$
     SELECT (c.started_at AT TIME ZONE 'UTC')::date, c.run_ref, c.run_id, c.step_id, c.grant_id, c.issuer, c.subject, c.tool,
       c.tool_version, c.outcome, 1::bigint, c.request_bytes, c.response_bytes, c.cost_micros, c.units
     FROM calls c
     WHERE c.state = 'ended' AND c.started_at >= from_day::timestamp AT TIME ZONE 'UTC'
       AND c.started_at < to_day::timestamp AT TIME ZONE 'UTC'
     UNION ALL
     SELECT s.day, s.run_ref, s.run_id, s.step_id, s.grant_id, s.issuer, s.subject, s.tool,
       NULL::integer, s.outcome, s.calls, s.request_bytes, s.response_bytes, s.cost_micros, s.units
     FROM call_sums s WHERE s.day >= from_day AND s.day < to_day
   $$`,
  // A provider's key is the credential that the tool named then (now, where only sums are left), by its label
  // provider-key or else its name.
  `CREATE FUNCTION key_costs_between(from_day date, to_day date)
   RETURNS TABLE (day date, key text, calls bigint, cost_micros bigint)
   LANGUAGE sql STABLE AS $$
     SELECT c.day, COALESCE(k.labels->>'provider-key', k.name), sum(c.calls)::bigint, sum(c.cost_micros)::bigint
     FROM call_costs_between(from_day, to_day) c
     JOIN tools t ON t.name = c.tool
     JOIN tool_versions v ON v.tool = t.name AND v.version = COALESCE(c.tool_version, t.version)
     JOIN credentials k ON k.name = v.spec->'credential'->>'name'
     GROUP BY 1, 2
   $$`,
  // A later import says it anew: providers correct themselves. What changed is in the log.
  `CREATE TABLE provider_usage (
     source text NOT NULL CHECK (source ~ '^[a-z][a-z0-9-]{0,62}$'),
     day date NOT NULL,
     key text NOT NULL CHECK (length(key) BETWEEN 1 AND 256),
     units jsonb NOT NULL DEFAULT '{}',
     amount_micros bigint NOT NULL CHECK (amount_micros >= 0),
     imported_at timestamptz NOT NULL,
     imported_by text NOT NULL,
     PRIMARY KEY (day, source, key)
   )`,
];

const DOWN = `
  DROP TABLE provider_usage;
  DROP FUNCTION key_costs_between(date, date), call_costs_between(date, date);
`;
