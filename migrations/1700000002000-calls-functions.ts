/**
 * Settings of both functions. Their statements run under plans that are made once for each connection, when tables may
 * still be empty: without these, such a plan reads whole tables for as long as the connection lives.
 */
const BY_KEY_ONLY = `SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off
  SET enable_mergejoin = off SET jit = off`;

/**
 * Decides on a group of calls in the order in which they are given, and writes those that are let through: row,
 * event and what limits count, all or nothing for each call.
 *
 * Rows are locked in one order everywhere: grants, runs, tools, limits, each by key; so no two groups wait for each
 * other. Ending a run or a grant updates its row first: it either waits for this and sees the calls, or this finds
 * the row taken and lets nothing through. `p_distinct` is how many grants, runs and tools the calls name.
 *
 * `p_keys` are the things that are counted, without repetition. A slot is one figure that is compared: a key's total
 * (window 0), or its share within a window of so many seconds. A limit is of one call (`p_limit_call`, ascending;
 * those of call n lie from `p_limit_from[n]` to before `p_limit_from[n + 1]`) and compares one slot; `p_limit_counts`
 * says that it also adds to the slot's key, which one limit of each call and key does.
 *
 * Answers for each call a verdict (`ok`, a code, `busy` for a row that is taken, or `limited`) and the limit that
 * refused it (0: none), with the milliseconds after which that would let it through; for each limit what was used of
 * its slot just after its call (when it refused: before); and for each slot the milliseconds until its oldest part
 * falls out of the window.
 */
export const ADMIT_CALLS = `CREATE FUNCTION admit_calls(
    p_live_at timestamptz, p_now timestamptz, p_replica text, p_distinct integer,
    p_ids uuid[], p_runs uuid[], p_steps text[], p_grants uuid[], p_grant_versions integer[], p_tools text[],
    p_tool_versions integer[], p_deadlines timestamptz[], p_bytes bigint[], p_reserves bigint[], p_settles text[],
    p_events uuid[], p_leaf_from integer[], p_leaf_sizes integer[], p_leaves bytea,
    p_keys uuid[], p_kinds text[], p_names text[], p_keep_seconds integer[],
    p_slot_keys integer[], p_slot_windows integer[],
    p_limit_from integer[], p_limit_call integer[], p_limit_slot integer[], p_limit_amount bigint[],
    p_limit_max bigint[], p_limit_counts boolean[],
    OUT o_at timestamptz, OUT o_verdicts text[], OUT o_refused_by integer[], OUT o_used double precision[],
    OUT o_reset_ms double precision[], OUT o_retry_ms double precision[]
  ) LANGUAGE plpgsql ${BY_KEY_ONLY} AS $$
DECLARE
  v_rows integer;
  v_locked integer;
  v_missing boolean;
  v_grants uuid[];
  v_runs uuid[];
  v_tools text[];
  v_used bigint[];
  v_gone bigint[];
  v_excess bigint[] := array_fill(0::bigint, ARRAY[cardinality(p_ids)]);
  v_refused boolean := false;
  v_slot integer;
  v_limit integer;
BEGIN
  -- A row that somebody else is changing is not waited for: all other calls would wait with it, for as long as it
  -- takes to end a grant with thousands of runs. Calls under such a row come back in a later group.
  PERFORM 1 FROM grants WHERE id = ANY (p_grants) ORDER BY id FOR SHARE SKIP LOCKED;
  GET DIAGNOSTICS v_rows = ROW_COUNT;
  v_locked := v_rows;
  PERFORM 1 FROM runs WHERE id = ANY (p_runs) ORDER BY id FOR SHARE SKIP LOCKED;
  GET DIAGNOSTICS v_rows = ROW_COUNT;
  v_locked := v_locked + v_rows;
  PERFORM 1 FROM tools WHERE name = ANY (p_tools) ORDER BY name FOR SHARE SKIP LOCKED;
  GET DIAGNOSTICS v_rows = ROW_COUNT;
  v_missing := v_locked + v_rows <> p_distinct;
  IF v_missing THEN
    -- Which ones; what is locked already is locked again.
    v_grants := ARRAY(SELECT id FROM grants WHERE id = ANY (p_grants) ORDER BY id FOR SHARE SKIP LOCKED);
    v_runs := ARRAY(SELECT id FROM runs WHERE id = ANY (p_runs) ORDER BY id FOR SHARE SKIP LOCKED);
    v_tools := ARRAY(SELECT name FROM tools WHERE name = ANY (p_tools) ORDER BY name FOR SHARE SKIP LOCKED);
  END IF;
  SELECT array_agg(CASE
      WHEN r.id IS NULL OR r.state <> 'open' OR r.deadline <= p_live_at THEN 'run_closed'
      WHEN g.id IS NULL OR r.grant_id <> g.id OR g.state <> 'active' OR g.expires_at <= p_live_at THEN 'grant_not_active'
      WHEN g.version <> c.grant_version THEN 'grant_changed'
      WHEN t.name IS NULL OR NOT t.enabled OR t.credential_off OR t.version <> c.tool_version THEN 'tool_changed'
      WHEN v_missing AND (g.id <> ALL (v_grants) OR r.id <> ALL (v_runs) OR t.name <> ALL (v_tools)) THEN 'busy'
      ELSE 'ok' END ORDER BY c.ord)
    INTO o_verdicts
    FROM unnest(p_runs, p_grants, p_grant_versions, p_tools, p_tool_versions)
      WITH ORDINALITY AS c (run, grant_id, grant_version, tool, tool_version, ord)
    LEFT JOIN runs r ON r.id = c.run LEFT JOIN grants g ON g.id = c.grant_id LEFT JOIN tools t ON t.name = c.tool;
  o_refused_by := array_fill(0, ARRAY[cardinality(p_ids)]);
  o_used := array_fill(0::double precision, ARRAY[cardinality(p_limit_slot)]);

  IF cardinality(p_keys) > 0 THEN
    -- A conflict locks the row, also where the update is not done: rows that are there and rows that are new are locked
    -- in one pass, in order.
    INSERT INTO limit_states AS s (key, kind, name, keep_seconds)
      SELECT k.key, k.kind, k.name, k.keep
      FROM unnest(p_keys, p_kinds, p_names, p_keep_seconds) AS k (key, kind, name, keep) ORDER BY k.key
      ON CONFLICT (key) DO UPDATE SET kind = s.kind WHERE false;
  END IF;
  -- Only now: what others counted before has an earlier time. A clock that is set back does not go back for a key.
  o_at := coalesce(p_now, clock_timestamp());
  IF cardinality(p_keys) > 0 THEN
    SELECT array_agg(CASE WHEN w.seconds = 0 THEN s.total + s.reserved WHEN e.at IS NULL THEN 0 ELSE s.total - e.upto + e.amount END ORDER BY w.ord),
        array_agg(coalesce(e.upto - e.amount, s.total) ORDER BY w.ord),
        array_agg(1000 * (w.seconds + coalesce(extract(epoch FROM e.at - o_at), greatest(0, extract(epoch FROM nullif(s.last_at, '-infinity') - o_at)), 0))::double precision ORDER BY w.ord)
      INTO v_used, v_gone, o_reset_ms
      FROM unnest(p_slot_keys, p_slot_windows) WITH ORDINALITY AS w (key, seconds, ord)
      JOIN limit_states s ON s.key = p_keys[w.key]
      LEFT JOIN LATERAL (
        SELECT x.at, x.upto, x.amount FROM limit_entries x
        WHERE w.seconds > 0 AND x.key = s.key AND x.at > greatest(o_at, s.last_at) - make_interval(secs => w.seconds)
        ORDER BY x.at, x.upto LIMIT 1) e ON true;

    FOR v_call IN 1 .. cardinality(p_ids) LOOP
      CONTINUE WHEN o_verdicts[v_call] <> 'ok';
      v_limit := p_limit_from[v_call];
      WHILE v_limit < p_limit_from[v_call + 1] LOOP
        v_slot := p_limit_slot[v_limit];
        IF v_used[v_slot] + p_limit_amount[v_limit] > p_limit_max[v_limit] THEN
          o_verdicts[v_call] := 'limited';
          o_refused_by[v_call] := v_limit;
          o_used[v_limit] := v_used[v_slot];
          v_excess[v_call] := v_used[v_slot] + p_limit_amount[v_limit] - p_limit_max[v_limit];
          v_refused := true;
          EXIT;
        END IF;
        v_limit := v_limit + 1;
      END LOOP;
      CONTINUE WHEN o_verdicts[v_call] <> 'ok';
      FOR v_limit IN p_limit_from[v_call] .. p_limit_from[v_call + 1] - 1 LOOP
        v_slot := p_limit_slot[v_limit];
        v_used[v_slot] := v_used[v_slot] + p_limit_amount[v_limit];
        o_used[v_limit] := v_used[v_slot];
      END LOOP;
    END LOOP;

    IF v_refused THEN
      -- When enough has fallen out of the window; at the latest when this group has.
      SELECT array_agg(1000 * (p_slot_windows[l.slot] + extract(epoch FROM coalesce((
            SELECT x.at FROM limit_entries x WHERE x.key = s.key AND x.upto >= v_gone[l.slot] + c.excess
            ORDER BY x.upto LIMIT 1), greatest(s.last_at, o_at)) - o_at))::double precision ORDER BY c.ord)
        INTO o_retry_ms
        FROM unnest(o_refused_by, v_excess) WITH ORDINALITY AS c (refused_by, excess, ord)
        LEFT JOIN LATERAL (SELECT p_limit_slot[c.refused_by] AS slot) l ON true
        LEFT JOIN limit_states s ON s.key = p_keys[p_slot_keys[l.slot]];
    END IF;

    WITH counted AS (
      SELECT p_slot_keys[l.slot] AS key, sum(l.amount)::bigint AS amount
      FROM unnest(p_limit_call, p_limit_slot, p_limit_amount, p_limit_counts) AS l (call, slot, amount, counts)
      WHERE l.counts AND l.amount > 0 AND o_verdicts[l.call] = 'ok' GROUP BY 1
    ), moved AS (
      UPDATE limit_states s SET
        total = s.total + CASE s.kind WHEN 'budget' THEN 0 ELSE c.amount END,
        reserved = s.reserved + CASE s.kind WHEN 'budget' THEN c.amount ELSE 0 END,
        last_at = greatest(s.last_at, o_at),
        keep_seconds = greatest(s.keep_seconds, p_keep_seconds[c.key])
      FROM counted c WHERE s.key = p_keys[c.key]
      RETURNING s.key, s.kind, s.total, c.amount, s.last_at, s.keep_seconds
    )
    INSERT INTO limit_entries (key, upto, amount, at, keep_until)
      SELECT m.key, m.total, m.amount, m.last_at, m.last_at + make_interval(secs => m.keep_seconds)
      FROM moved m WHERE m.kind IN ('calls', 'bytes');
  END IF;

  INSERT INTO calls (id, run_ref, run_id, step_id, grant_id, grant_version, issuer, subject, tool, tool_version, state,
      started_at, deadline, request_bytes, reserved_micros, replica, settles)
    SELECT c.id, c.run, r.run_id, c.step, c.grant_id, c.grant_version, r.issuer, r.subject, c.tool, c.tool_version, 'open',
      o_at, c.deadline, c.bytes, c.reserve, p_replica, c.settles::uuid[]
    FROM unnest(p_ids, p_runs, p_steps, p_grants, p_grant_versions, p_tools, p_tool_versions, p_deadlines, p_bytes, p_reserves, p_settles)
      WITH ORDINALITY AS c (id, run, step, grant_id, grant_version, tool, tool_version, deadline, bytes, reserve, settles, ord)
    JOIN runs r ON r.id = c.run
    WHERE o_verdicts[c.ord] = 'ok' ORDER BY c.ord;
  INSERT INTO audit_inbox (event_id, leaf)
    SELECT c.event, substring(p_leaves FROM c.start FOR c.size)
    FROM unnest(p_events, p_leaf_from, p_leaf_sizes) WITH ORDINALITY AS c (event, start, size, ord)
    WHERE o_verdicts[c.ord] = 'ok' ORDER BY c.ord;
END $$`;

/**
 * Ends a group of calls: row, event and what limits count. A call that is not open any more, because it was ended
 * before, is left alone with all of that; answers the places of those that were ended.
 */
export const COMPLETE_CALLS = `CREATE FUNCTION complete_calls(
    p_now timestamptz,
    p_ids uuid[], p_outcomes text[], p_codes text[], p_statuses integer[], p_ended timestamptz[],
    p_request_bytes bigint[], p_response_bytes bigint[], p_costs bigint[], p_units jsonb[],
    p_events uuid[], p_leaf_from integer[], p_leaf_sizes integer[], p_leaves bytea,
    OUT o_ended integer[]
  ) LANGUAGE plpgsql ${BY_KEY_ONLY} AS $$
DECLARE
  v_keys uuid[];
  v_calls bigint[];
  v_bytes bigint[];
  v_reserved bigint[];
  v_costs bigint[];
  v_at timestamptz;
BEGIN
  -- Written with \`||\`, because a plain condition on the state would fit the index of open calls, in which every call was.
  WITH ended AS (
    UPDATE calls c SET state = 'ended', outcome = e.outcome, code = e.code, status = e.status, ended_at = e.ended,
      request_bytes = e.request_bytes, response_bytes = e.response_bytes, cost_micros = e.cost, units = e.units
    FROM unnest(p_ids, p_outcomes, p_codes, p_statuses, p_ended, p_request_bytes, p_response_bytes, p_costs, p_units)
      WITH ORDINALITY AS e (id, outcome, code, status, ended, request_bytes, response_bytes, cost, units, ord)
    WHERE c.id = e.id AND (c.state || '') = 'open'
    RETURNING e.ord::integer AS ord, c.settles, e.response_bytes, c.reserved_micros, e.cost
  ), settled AS (
    SELECT k.key, count(*) AS calls, sum(d.response_bytes)::bigint AS bytes, sum(d.reserved_micros)::bigint AS reserved,
      sum(d.cost)::bigint AS cost
    FROM ended d CROSS JOIN unnest(d.settles) AS k (key) GROUP BY k.key
  )
  SELECT (SELECT array_agg(d.ord) FROM ended d), array_agg(s.key), array_agg(s.calls), array_agg(s.bytes),
      array_agg(s.reserved), array_agg(s.cost)
    INTO o_ended, v_keys, v_calls, v_bytes, v_reserved, v_costs
    FROM settled s;

  INSERT INTO audit_inbox (event_id, leaf)
    SELECT c.event, substring(p_leaves FROM c.start FOR c.size)
    FROM unnest(p_events, p_leaf_from, p_leaf_sizes) WITH ORDINALITY AS c (event, start, size, ord)
    WHERE c.ord = ANY (o_ended) ORDER BY c.ord;

  IF v_keys IS NOT NULL THEN
    PERFORM 1 FROM limit_states WHERE key = ANY (v_keys) ORDER BY key FOR UPDATE;
    v_at := coalesce(p_now, clock_timestamp());
    WITH moved AS (
      UPDATE limit_states s SET
        total = s.total + CASE s.kind WHEN 'budget' THEN k.cost WHEN 'concurrent' THEN - k.calls ELSE k.bytes END,
        reserved = s.reserved - CASE s.kind WHEN 'budget' THEN k.reserved ELSE 0 END,
        last_at = CASE WHEN s.kind = 'bytes' AND k.bytes = 0 THEN s.last_at ELSE greatest(s.last_at, v_at) END
      FROM unnest(v_keys, v_calls, v_bytes, v_reserved, v_costs) AS k (key, calls, bytes, reserved, cost)
      WHERE s.key = k.key
      RETURNING s.key, s.kind, s.total, k.bytes, s.last_at, s.keep_seconds
    )
    INSERT INTO limit_entries (key, upto, amount, at, keep_until)
      SELECT m.key, m.total, m.bytes, m.last_at, m.last_at + make_interval(secs => m.keep_seconds)
      FROM moved m WHERE m.kind = 'bytes' AND m.bytes > 0;
  END IF;
END $$`;
