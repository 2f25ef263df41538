import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The first schema. Invariants live here: enum tables, foreign keys, transition triggers, append-only triggers.
 * A broker with a mistake in it is refused by the database, not believed.
 */
export class First1700000000000 implements MigrationInterface {
  name = 'First1700000000000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN);
  }
}

const UP = [
  // Enum tables, and the transitions each machine allows.
  `CREATE TABLE grant_states (state text PRIMARY KEY)`,
  `INSERT INTO grant_states VALUES ('draft'), ('pending_approval'), ('active'), ('suspended'), ('revoked'), ('expired')`,
  `CREATE TABLE run_states (state text PRIMARY KEY)`,
  `INSERT INTO run_states VALUES ('open'), ('closed'), ('revoked'), ('expired')`,
  `CREATE TABLE credential_kinds (kind text PRIMARY KEY)`,
  `INSERT INTO credential_kinds VALUES ('database'), ('kv'), ('pki')`,
  `CREATE TABLE state_transitions (machine text NOT NULL, from_state text NOT NULL, to_state text NOT NULL, PRIMARY KEY (machine, from_state, to_state))`,
  `INSERT INTO state_transitions VALUES
     ('grants', 'draft', 'pending_approval'), ('grants', 'draft', 'active'), ('grants', 'draft', 'revoked'),
     ('grants', 'pending_approval', 'active'), ('grants', 'pending_approval', 'revoked'), ('grants', 'pending_approval', 'expired'),
     ('grants', 'active', 'suspended'), ('grants', 'active', 'revoked'), ('grants', 'active', 'expired'), ('grants', 'active', 'pending_approval'),
     ('grants', 'suspended', 'active'), ('grants', 'suspended', 'revoked'), ('grants', 'suspended', 'expired'),
     ('runs', 'open', 'closed'), ('runs', 'open', 'revoked'), ('runs', 'open', 'expired'),
     ('leases', 'issuing', 'active'), ('leases', 'issuing', 'revoking'), ('leases', 'issuing', 'orphaned'),
     ('leases', 'active', 'revoking'), ('leases', 'orphaned', 'revoked'),
     ('leases', 'revoking', 'revoked'), ('leases', 'revoking', 'expired'),
     ('leases', 'revoking', 'forgotten'), ('leases', 'orphaned', 'forgotten')`,
  `CREATE FUNCTION refuse_transition() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     IF NEW.state IS DISTINCT FROM OLD.state AND NOT EXISTS (
       SELECT 1 FROM state_transitions t WHERE t.machine = TG_TABLE_NAME AND t.from_state = OLD.state AND t.to_state = NEW.state
     ) THEN
       RAISE EXCEPTION '% cannot go from % to %', TG_TABLE_NAME, OLD.state, NEW.state USING ERRCODE = 'check_violation';
     END IF;
     RETURN NEW;
   END $$`,
  `CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'insufficient_privilege';
   END $$`,

  // Credentials: the catalogue.
  `CREATE TABLE credentials (
     name text PRIMARY KEY CHECK (name ~ '^[a-z][a-z0-9-]{0,62}$'),
     version integer NOT NULL DEFAULT 1 CHECK (version > 0),
     kind text NOT NULL REFERENCES credential_kinds,
     mount text NOT NULL CHECK (mount <> ''),
     path text NOT NULL CHECK (path <> ''),
     parameters jsonb NOT NULL DEFAULT '{}',
     deliveries text[] NOT NULL CHECK (cardinality(deliveries) > 0),
     default_ttl_seconds integer NOT NULL CHECK (default_ttl_seconds > 0),
     max_ttl_seconds integer NOT NULL CHECK (max_ttl_seconds >= default_ttl_seconds),
     revocable boolean NOT NULL,
     enabled boolean NOT NULL DEFAULT true,
     description text NOT NULL DEFAULT '',
     labels jsonb NOT NULL DEFAULT '{}',
     created_at timestamptz NOT NULL,
     created_by text NOT NULL,
     updated_at timestamptz NOT NULL,
     CHECK (kind <> 'kv' OR NOT revocable)
   )`,

  // Grants: a head row, and one immutable row per version.
  `CREATE TABLE grants (
     id uuid PRIMARY KEY,
     name text NOT NULL UNIQUE CHECK (name ~ '^[a-z][a-z0-9-]{0,62}$'),
     state text NOT NULL REFERENCES grant_states,
     version integer NOT NULL CHECK (version > 0),
     issuer text NOT NULL,
     expires_at timestamptz,
     labels jsonb NOT NULL DEFAULT '{}',
     created_at timestamptz NOT NULL,
     created_by text NOT NULL,
     updated_at timestamptz NOT NULL
   )`,
  `CREATE INDEX grants_by_issuer ON grants (issuer) WHERE state = 'active'`,
  `CREATE INDEX grants_due ON grants (expires_at) WHERE state IN ('active', 'suspended', 'pending_approval')`,
  `CREATE TRIGGER grants_transition BEFORE UPDATE ON grants FOR EACH ROW EXECUTE FUNCTION refuse_transition()`,
  `CREATE TABLE grant_versions (
     grant_id uuid NOT NULL REFERENCES grants,
     version integer NOT NULL CHECK (version > 0),
     spec jsonb NOT NULL,
     created_at timestamptz NOT NULL,
     created_by text NOT NULL,
     approved_by text,
     PRIMARY KEY (grant_id, version)
   )`,
  `CREATE FUNCTION grant_version_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     IF OLD.approved_by IS NULL AND NEW.approved_by IS NOT NULL
        AND (NEW.grant_id, NEW.version, NEW.spec, NEW.created_at, NEW.created_by) = (OLD.grant_id, OLD.version, OLD.spec, OLD.created_at, OLD.created_by) THEN
       RETURN NEW;
     END IF;
     RAISE EXCEPTION 'a version of a grant never changes' USING ERRCODE = 'insufficient_privilege';
   END $$`,
  `CREATE TRIGGER grant_versions_immutable BEFORE UPDATE ON grant_versions FOR EACH ROW EXECUTE FUNCTION grant_version_immutable()`,
  `CREATE TRIGGER grant_versions_kept BEFORE DELETE ON grant_versions FOR EACH ROW EXECUTE FUNCTION refuse_change()`,

  // Runs.
  `CREATE TABLE runs (
     id uuid PRIMARY KEY,
     run_id text NOT NULL CHECK (length(run_id) BETWEEN 1 AND 256),
     grant_id uuid NOT NULL REFERENCES grants,
     grant_version integer NOT NULL,
     issuer text NOT NULL,
     subject text NOT NULL,
     claims jsonb NOT NULL DEFAULT '{}',
     state text NOT NULL REFERENCES run_states,
     opened_at timestamptz NOT NULL,
     deadline timestamptz NOT NULL,
     ended_at timestamptz,
     end_cause text,
     CHECK ((state = 'open') = (ended_at IS NULL)),
     CHECK (deadline > opened_at),
     FOREIGN KEY (grant_id, grant_version) REFERENCES grant_versions (grant_id, version),
     UNIQUE (grant_id, issuer, subject, run_id)
   )`,
  `CREATE INDEX runs_due ON runs (deadline) WHERE state = 'open'`,
  `CREATE INDEX runs_of_grant ON runs (grant_id) WHERE state = 'open'`,
  `CREATE INDEX runs_by_run_id ON runs (run_id)`,
  `CREATE INDEX runs_ended ON runs (ended_at) WHERE state <> 'open'`,
  `CREATE TRIGGER runs_transition BEFORE UPDATE ON runs FOR EACH ROW EXECUTE FUNCTION refuse_transition()`,

  // Leases.
  // Its words are checked here and not by reference: each lease would lock the same few rows of the enum tables, and
  // many at once would queue for them.
  `CREATE TABLE leases (
     id uuid PRIMARY KEY,
     run_ref uuid NOT NULL REFERENCES runs,
     step_id text NOT NULL CHECK (length(step_id) BETWEEN 1 AND 256),
     grant_id uuid NOT NULL REFERENCES grants,
     grant_version integer NOT NULL,
     credential text NOT NULL REFERENCES credentials,
     credential_version integer NOT NULL,
     kind text NOT NULL CHECK (kind IN ('database', 'kv', 'pki')),
     mount text NOT NULL,
     delivery text NOT NULL CHECK (delivery IN ('inline', 'wrapped', 'gateway')),
     revocable boolean NOT NULL,
     state text NOT NULL CHECK (state IN ('issuing', 'active', 'revoking', 'orphaned', 'revoked', 'expired', 'forgotten')),
     accessor text NOT NULL UNIQUE,
     vault_lease_id text,
     account text,
     requested_at timestamptz NOT NULL,
     issued_at timestamptz,
     expires_at timestamptz NOT NULL,
     max_expires_at timestamptz NOT NULL,
     renewals integer NOT NULL DEFAULT 0,
     idempotency_key text,
     revoke_cause text,
     revoke_requested_at timestamptz,
     ended_at timestamptz,
     proof text,
     attempts integer NOT NULL DEFAULT 0,
     last_error text,
     next_attempt_at timestamptz,
     claimed_by text,
     claimed_until timestamptz,
     CHECK (expires_at <= max_expires_at),
     CHECK ((state IN ('revoked', 'expired', 'forgotten')) = (ended_at IS NOT NULL)),
     CHECK (state <> 'active' OR issued_at IS NOT NULL),
     CHECK ((state IN ('issuing', 'active')) = (revoke_cause IS NULL)),
     CHECK (state NOT IN ('revoking', 'orphaned') OR next_attempt_at IS NOT NULL)
   )`,
  `CREATE INDEX leases_due_expiry ON leases (expires_at) WHERE state = 'active'`,
  `CREATE INDEX leases_due_revocation ON leases (next_attempt_at) WHERE state IN ('revoking', 'orphaned')`,
  `CREATE INDEX leases_issuing ON leases (requested_at) WHERE state = 'issuing'`,
  `CREATE INDEX leases_live_by_run ON leases (run_ref) WHERE state NOT IN ('revoked', 'expired', 'forgotten')`,
  `CREATE INDEX leases_live_by_grant ON leases (grant_id) WHERE state NOT IN ('revoked', 'expired', 'forgotten')`,
  `CREATE INDEX leases_live_by_credential ON leases (credential, id) WHERE state NOT IN ('revoked', 'expired', 'forgotten')`,
  `CREATE INDEX leases_by_run ON leases (run_ref)`,
  `CREATE INDEX leases_by_vault_lease ON leases (vault_lease_id) WHERE vault_lease_id IS NOT NULL`,
  `CREATE INDEX leases_ended ON leases (ended_at) WHERE state IN ('revoked', 'expired', 'forgotten')`,
  `CREATE UNIQUE INDEX leases_one_live_per_idempotency_key ON leases (run_ref, idempotency_key)
     WHERE idempotency_key IS NOT NULL AND state IN ('issuing', 'active')`,
  `CREATE TRIGGER leases_transition BEFORE UPDATE ON leases FOR EACH ROW EXECUTE FUNCTION refuse_transition()`,

  // Exchange: keys that verify our run tokens, and tokens that were used.
  `CREATE TABLE signing_keys (
     kid text PRIMARY KEY,
     jwk jsonb NOT NULL,
     created_at timestamptz NOT NULL,
     signs_until timestamptz NOT NULL,
     verifies_until timestamptz NOT NULL CHECK (verifies_until > signs_until)
   )`,
  `CREATE TABLE token_uses (
     token_hash bytea PRIMARY KEY CHECK (length(token_hash) = 32),
     issuer text NOT NULL,
     run_key text NOT NULL,
     key_thumbprint text,
     used_at timestamptz NOT NULL,
     expires_at timestamptz NOT NULL
   )`,
  `CREATE INDEX token_uses_expired ON token_uses (expires_at)`,

  // Requests that are answered once.
  `CREATE TABLE idempotency_keys (
     actor text NOT NULL,
     route text NOT NULL,
     key text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
     request_hash bytea NOT NULL,
     status integer,
     headers jsonb,
     body jsonb,
     created_at timestamptz NOT NULL,
     locked_until timestamptz NOT NULL,
     PRIMARY KEY (actor, route, key)
   )`,
  `CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at)`,

  // Jobs that one replica at a time does.
  `CREATE TABLE scheduled_jobs (
     name text PRIMARY KEY,
     next_run_at timestamptz NOT NULL,
     claimed_by text,
     claimed_until timestamptz,
     last_started_at timestamptz,
     last_finished_at timestamptz,
     last_error text,
     runs bigint NOT NULL DEFAULT 0,
     failures bigint NOT NULL DEFAULT 0
   )`,
  // Things that operators switch at run time; one row each, changed only by an audited act.
  `CREATE TABLE switches (name text PRIMARY KEY, value text NOT NULL, changed_at timestamptz NOT NULL, changed_by text NOT NULL, reason text)`,

  // Audit: the inbox takes events inside business transactions; the sequencer moves them to the log.
  `CREATE TABLE audit_inbox (
     seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
     event_id uuid NOT NULL UNIQUE,
     leaf bytea NOT NULL CHECK (length(leaf) BETWEEN 2 AND 65535)
   ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000, autovacuum_analyze_scale_factor = 0,
     autovacuum_analyze_threshold = 100000)`,
  `CREATE TABLE audit_head (
     singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
     origin text NOT NULL,
     size bigint NOT NULL CHECK (size >= 0),
     root_hash bytea NOT NULL CHECK (length(root_hash) = 32),
     epoch bigint NOT NULL DEFAULT 0,
     moved_at timestamptz NOT NULL DEFAULT clock_timestamp()
   )`,
  `INSERT INTO audit_head (origin, size, root_hash) VALUES ('leasegate/' || gen_random_uuid(), 0, sha256(''))`,
  // Parts of the log by ranges of the index, so that the index stays unique over all of them. Further ones are cut off
  // as months go by; a part is made ready by guard_audit_part.
  `CREATE TABLE audit_entry (
     idx bigint PRIMARY KEY CHECK (idx >= 0),
     event_id uuid NOT NULL,
     kind text NOT NULL,
     occurred_at timestamptz NOT NULL,
     outcome text NOT NULL,
     code text,
     actor_issuer text,
     actor_subject text,
     workload_issuer text,
     workload_subject text,
     grant_id uuid,
     grant_version integer,
     run_ref uuid,
     run_id text,
     step_id text,
     lease_id uuid,
     credential text,
     tool text,
     request_id text,
     account_hmac text,
     leaf bytea NOT NULL
   ) PARTITION BY RANGE (idx)`,
  `CREATE TABLE audit_entry_0 PARTITION OF audit_entry FOR VALUES FROM (0) TO (MAXVALUE)`,
  // What the partitioned table cannot have: an event once in a part, and a part that is not emptied by its own name.
  `CREATE FUNCTION guard_audit_part(part regclass) RETURNS void LANGUAGE plpgsql AS $$
   BEGIN
     EXECUTE format('CREATE UNIQUE INDEX ON %s (event_id)', part);
     EXECUTE format('CREATE TRIGGER never_truncated BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', part);
   END $$`,
  `SELECT guard_audit_part('audit_entry_0')`,
  // Whole tiles of the tree. They outlive the entries, so that proofs do.
  `CREATE TABLE audit_tile (
     level smallint NOT NULL CHECK (level BETWEEN 0 AND 7),
     n bigint NOT NULL CHECK (n >= 0),
     hashes bytea NOT NULL CHECK (length(hashes) = 8192),
     root bytea NOT NULL CHECK (length(root) = 32),
     PRIMARY KEY (level, n)
   )`,
  `CREATE TRIGGER audit_tile_append_only BEFORE UPDATE OR DELETE ON audit_tile FOR EACH ROW EXECUTE FUNCTION refuse_change()`,
  `CREATE TRIGGER audit_tile_never_truncated BEFORE TRUNCATE ON audit_tile FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`,
  `CREATE INDEX audit_entry_time ON audit_entry (occurred_at, idx)`,
  `CREATE INDEX audit_entry_kind ON audit_entry (kind, idx)`,
  `CREATE INDEX audit_entry_run ON audit_entry (run_id, idx) WHERE run_id IS NOT NULL`,
  `CREATE INDEX audit_entry_run_ref ON audit_entry (run_ref, idx) WHERE run_ref IS NOT NULL`,
  `CREATE INDEX audit_entry_lease ON audit_entry (lease_id, idx) WHERE lease_id IS NOT NULL`,
  `CREATE INDEX audit_entry_grant ON audit_entry (grant_id, idx) WHERE grant_id IS NOT NULL`,
  `CREATE INDEX audit_entry_credential ON audit_entry (credential, idx) WHERE credential IS NOT NULL`,
  `CREATE INDEX audit_entry_tool ON audit_entry (tool, idx) WHERE tool IS NOT NULL`,
  `CREATE INDEX audit_entry_workload ON audit_entry (workload_subject, idx) WHERE workload_subject IS NOT NULL`,
  `CREATE INDEX audit_entry_request ON audit_entry (request_id) WHERE request_id IS NOT NULL`,
  `CREATE INDEX audit_entry_account ON audit_entry (account_hmac, idx) WHERE account_hmac IS NOT NULL`,
  `CREATE TRIGGER audit_entry_append_only BEFORE UPDATE OR DELETE ON audit_entry FOR EACH ROW EXECUTE FUNCTION refuse_change()`,
  `CREATE TRIGGER audit_entry_never_truncated BEFORE TRUNCATE ON audit_entry FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`,
  `CREATE TRIGGER audit_inbox_immutable BEFORE UPDATE ON audit_inbox FOR EACH ROW EXECUTE FUNCTION refuse_change()`,
  `CREATE TRIGGER audit_inbox_never_truncated BEFORE TRUNCATE ON audit_inbox FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`,
  `CREATE TRIGGER audit_head_kept BEFORE DELETE ON audit_head FOR EACH ROW EXECUTE FUNCTION refuse_change()`,
  `CREATE TRIGGER audit_head_never_truncated BEFORE TRUNCATE ON audit_head FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()`,
  // The head only moves forward: neither the size nor the fence that sequencers compare ever shrinks.
  `CREATE FUNCTION refuse_backward_head() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     IF NEW.size < OLD.size OR NEW.epoch < OLD.epoch THEN
       RAISE EXCEPTION 'the head of the log never goes back' USING ERRCODE = 'insufficient_privilege';
     END IF;
     RETURN NEW;
   END $$`,
  `CREATE TRIGGER audit_head_forward BEFORE UPDATE ON audit_head FOR EACH ROW EXECUTE FUNCTION refuse_backward_head()`,
];

const DOWN = `
  DROP TABLE audit_entry, audit_tile, audit_head, audit_inbox, switches, scheduled_jobs, idempotency_keys, token_uses, signing_keys,
    leases, runs, grant_versions, grants, credentials, state_transitions, credential_kinds, run_states, grant_states;
  DROP FUNCTION refuse_transition(), refuse_change(), grant_version_immutable(), refuse_backward_head(), guard_audit_part(regclass);
`;
