import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The kill switch: what was revoked together and how far it is, whom or what nothing is leased to or from for now, and
 * the checks that make both hold on every replica.
 */
export class Revocations1700000006000 implements MigrationInterface {
  name = 'Revocations1700000006000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN);
  }
}

const UP = [
  `INSERT INTO state_transitions VALUES
     ('revocations', 'marking', 'revoking'), ('revocations', 'marking', 'done'), ('revocations', 'revoking', 'done')`,
  `CREATE TABLE revocations (
     id uuid PRIMARY KEY,
     selector jsonb NOT NULL,
     cause text NOT NULL,
     reason text,
     caller jsonb NOT NULL,
     requested_by text NOT NULL,
     requested_at timestamptz NOT NULL,
     announced boolean NOT NULL,
     state text NOT NULL CHECK (state IN ('marking', 'revoking', 'done')),
     finished_at timestamptz,
     outcome jsonb,
     CHECK ((state = 'done') = (finished_at IS NOT NULL)),
     CHECK ((state = 'done') = (outcome IS NOT NULL))
   )`,
  `CREATE INDEX revocations_unfinished ON revocations (id) WHERE state <> 'done'`,
  `CREATE INDEX revocations_finished ON revocations (finished_at) WHERE state = 'done'`,
  `CREATE TRIGGER revocations_transition BEFORE UPDATE ON revocations FOR EACH ROW EXECUTE FUNCTION refuse_transition()`,
  // Gone when the revocation is done; the leases themselves may be dropped before.
  `CREATE TABLE revocation_leases (
     revocation_id uuid NOT NULL REFERENCES revocations ON DELETE CASCADE,
     lease_id uuid NOT NULL,
     PRIMARY KEY (revocation_id, lease_id)
   )`,
  `CREATE INDEX runs_open_by_workload ON runs (issuer, subject) WHERE state = 'open'`,

  `CREATE TABLE blocks (
     id uuid PRIMARY KEY,
     kind text NOT NULL CHECK (kind IN ('workload', 'issuer', 'target')),
     issuer text,
     subject text,
     mount text,
     credentials text[] NOT NULL DEFAULT '{}',
     reason text NOT NULL CHECK (reason <> ''),
     until timestamptz,
     created_at timestamptz NOT NULL,
     created_by text NOT NULL,
     lifted_at timestamptz,
     lifted_by text,
     CHECK ((kind = 'target') = (issuer IS NULL)),
     CHECK ((kind = 'target') = (mount IS NOT NULL)),
     CHECK ((kind = 'workload') = (subject IS NOT NULL)),
     CHECK (kind = 'target' OR credentials = '{}'),
     CHECK (until > created_at),
     CHECK ((lifted_at IS NULL) = (lifted_by IS NULL))
   )`,
  `CREATE UNIQUE INDEX blocks_one_of_each ON blocks (kind, coalesce(issuer, ''), coalesce(subject, ''), coalesce(mount, ''))
     WHERE lifted_at IS NULL`,
  `CREATE INDEX blocks_due ON blocks (until) WHERE lifted_at IS NULL AND until IS NOT NULL`,
  `CREATE FUNCTION block_only_lifted() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     IF OLD.lifted_at IS NOT NULL OR NEW.lifted_at IS NULL
        OR (NEW.id, NEW.kind, NEW.issuer, NEW.subject, NEW.mount, NEW.credentials, NEW.reason, NEW.until, NEW.created_at, NEW.created_by)
           IS DISTINCT FROM (OLD.id, OLD.kind, OLD.issuer, OLD.subject, OLD.mount, OLD.credentials, OLD.reason, OLD.until, OLD.created_at, OLD.created_by) THEN
       RAISE EXCEPTION 'a block is lifted once and never changes otherwise' USING ERRCODE = 'insufficient_privilege';
     END IF;
     RETURN NEW;
   END $$`,
  `CREATE TRIGGER blocks_only_lifted BEFORE UPDATE ON blocks FOR EACH ROW EXECUTE FUNCTION block_only_lifted()`,
  `CREATE TRIGGER blocks_kept BEFORE DELETE ON blocks FOR EACH ROW EXECUTE FUNCTION refuse_change()`,

  // Whoever opens a run holds these locks together until the commit; whoever blocks holds them alone. So a run that
  // exists when a block is committed is seen by whoever ends the runs of it, and any later one sees the block. The
  // function is volatile: its second statement looks at what was committed while the first one waited.
  `CREATE FUNCTION block_of_workload(p_issuer text, p_subject text, p_now timestamptz) RETURNS text VOLATILE LANGUAGE plpgsql AS $$
   DECLARE v_kind text;
   BEGIN
     PERFORM pg_advisory_xact_lock_shared(${lockOf("'issuer ' || p_issuer")});
     PERFORM pg_advisory_xact_lock_shared(${lockOf("'workload ' || p_issuer || ' ' || p_subject")});
     SELECT b.kind INTO v_kind FROM blocks b
       WHERE b.lifted_at IS NULL AND (b.until IS NULL OR b.until > p_now) AND b.issuer = p_issuer
         AND (b.kind = 'issuer' OR b.subject = p_subject)
       ORDER BY b.kind LIMIT 1;
     RETURN v_kind;
   END $$`,
  `CREATE FUNCTION hold_block(p_kind text, p_issuer text, p_subject text, p_mount text) RETURNS void VOLATILE LANGUAGE plpgsql AS $$
   BEGIN
     PERFORM pg_advisory_xact_lock(CASE p_kind
       WHEN 'issuer' THEN ${lockOf("'issuer ' || p_issuer")}
       WHEN 'workload' THEN ${lockOf("'workload ' || p_issuer || ' ' || p_subject")}
       ELSE ${lockOf("'target ' || p_mount")} END);
   END $$`,

  // While a target is blocked nothing of its mount is enabled, moved there or added. The lock is only tried: whoever
  // enables holds the row that whoever blocks may be waiting for.
  `CREATE FUNCTION refuse_blocked_target() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     IF NOT pg_try_advisory_xact_lock_shared(${lockOf("'target ' || NEW.mount")})
        OR EXISTS (SELECT 1 FROM blocks b WHERE b.kind = 'target' AND b.mount = NEW.mount AND b.lifted_at IS NULL) THEN
       RAISE EXCEPTION 'target % is blocked', NEW.mount USING ERRCODE = 'LG001';
     END IF;
     RETURN NEW;
   END $$`,
  `CREATE TRIGGER credentials_of_blocked_target BEFORE INSERT OR UPDATE OF enabled, mount ON credentials
     FOR EACH ROW WHEN (NEW.enabled) EXECUTE FUNCTION refuse_blocked_target()`,

  // Whether the credential of a tool is disabled stands on the tool's row, which every call locks: so the gateway lets
  // no call through with a disabled credential, whatever a replica holds in memory.
  `ALTER TABLE tools ADD COLUMN credential_off boolean NOT NULL DEFAULT false`,
  `CREATE FUNCTION tools_follow_credential() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     UPDATE tools t SET credential_off = NOT NEW.enabled FROM tool_versions v
       WHERE v.tool = t.name AND v.version = t.version AND v.spec->'credential'->>'name' = NEW.name
         AND t.credential_off = NEW.enabled;
     RETURN NULL;
   END $$`,
  `CREATE TRIGGER credentials_switch_tools AFTER UPDATE OF enabled ON credentials
     FOR EACH ROW WHEN (OLD.enabled <> NEW.enabled) EXECUTE FUNCTION tools_follow_credential()`,
  `CREATE FUNCTION tool_follows_credential() RETURNS trigger LANGUAGE plpgsql AS $$
   DECLARE v_off boolean;
   BEGIN
     SELECT NOT c.enabled INTO v_off FROM tool_versions v JOIN credentials c ON c.name = v.spec->'credential'->>'name'
       WHERE v.tool = NEW.name AND v.version = NEW.version FOR SHARE OF c;
     UPDATE tools SET credential_off = coalesce(v_off, false) WHERE name = NEW.name AND credential_off <> coalesce(v_off, false);
     RETURN NULL;
   END $$`,
  // Deferred, because head and version are written one after the other.
  `CREATE CONSTRAINT TRIGGER tools_follow_their_credential AFTER INSERT OR UPDATE OF version ON tools
     DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tool_follows_credential()`,
];

/** The advisory lock of a text; the high half is the same for all of them, so that they meet no other locks. */
function lockOf(text: string): string {
  return `(1263094860::bigint << 32) | (hashtext(${text})::bigint & 4294967295)`;
}

const DOWN = `
  DROP TRIGGER tools_follow_their_credential ON tools;
  DROP TRIGGER credentials_switch_tools ON credentials;
  DROP TRIGGER credentials_of_blocked_target ON credentials;
  DROP FUNCTION tool_follows_credential(), tools_follow_credential(), refuse_blocked_target(),
    hold_block(text, text, text, text), block_of_workload(text, text, timestamptz);
  ALTER TABLE tools DROP COLUMN credential_off;
  DROP TABLE blocks, revocation_leases, revocations;
  DROP FUNCTION block_only_lifted();
  DROP INDEX runs_open_by_workload;
  DELETE FROM state_transitions WHERE machine = 'revocations';
`;
