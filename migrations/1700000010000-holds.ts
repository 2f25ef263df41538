import type { MigrationInterface, QueryRunner } from 'typeorm';

const UP = [
  // Who held what, as the log says. Everything here can be made anew from the log, and outlives the rows of runs and
  // leases, which are dropped after their time.
  `CREATE TABLE hold_cursor (
     singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
     next_index bigint NOT NULL DEFAULT 0 CHECK (next_index >= 0)
   )`,
  `INSERT INTO hold_cursor DEFAULT VALUES`,
  `CREATE FUNCTION hold_length_class(held_from timestamptz, held_to timestamptz) RETURNS smallint
   LANGUAGE sql IMMUTABLE AS $$
     -- The bits of the number of whole seconds less one: a logarithm of numerics takes ten times as long.
     SELECT least(31, length(ltrim((ceil(extract(epoch FROM least(greatest(held_to - held_from, interval '1 second'),
       interval '24855 days')))::bigint - 1)::bit(32)::text, '0')))::smallint
   $$`,
  // No checks on order of times: it shows what the log says, also where that is odd.
  `CREATE TABLE lease_holds (
     lease_id uuid PRIMARY KEY,
     credential text,
     kind text,
     mount text,
     delivery text,
     accessor_hmac text,
     account_hmac text,
     run_ref uuid,
     run_id text,
     step_id text,
     grant_id uuid,
     grant_name text,
     grant_version integer,
     workload_issuer text,
     workload_subject text,
     held_from timestamptz NOT NULL,
     issued_at timestamptz,
     expires_at timestamptz,
     ended_at timestamptz,
     end_state text,
     end_cause text,
     proof text,
     secret_lives_on boolean NOT NULL DEFAULT false,
     first_idx bigint NOT NULL,
     issued_idx bigint,
     ended_idx bigint,
     -- What nobody proved dead may be alive: given up is not ended.
     held_to timestamptz GENERATED ALWAYS AS (CASE WHEN end_state = 'forgotten' THEN NULL ELSE ended_at END) STORED,
     -- Length as a power of two of seconds, rounded up. Who asks for a time T looks through the last 2^n seconds before T
     -- in class n, and finds at most twice what it wants however long the log is.
     length_class smallint GENERATED ALWAYS AS (
       CASE WHEN ended_at IS NULL OR end_state = 'forgotten' THEN NULL
         ELSE hold_length_class(held_from, ended_at) END) STORED
   )`,
  `CREATE INDEX lease_holds_account ON lease_holds (account_hmac, held_from, lease_id) WHERE account_hmac IS NOT NULL`,
  `CREATE INDEX lease_holds_accessor ON lease_holds (accessor_hmac, held_from, lease_id) WHERE accessor_hmac IS NOT NULL`,
  `CREATE INDEX lease_holds_credential ON lease_holds (credential, held_from, lease_id)`,
  `CREATE INDEX lease_holds_length ON lease_holds (credential, length_class, held_from, lease_id) WHERE held_to IS NOT NULL`,
  `CREATE INDEX lease_holds_open ON lease_holds (credential, held_from, lease_id) WHERE held_to IS NULL`,
  `CREATE INDEX lease_holds_run ON lease_holds (run_ref, held_from, lease_id)`,
  `CREATE TABLE run_holders (
     run_ref uuid PRIMARY KEY,
     run_id text,
     workload_issuer text,
     workload_subject text,
     grant_id uuid,
     grant_name text,
     grant_version integer,
     claims text,
     opened_at timestamptz,
     opened_idx bigint,
     ended_at timestamptz,
     ended_kind text,
     ended_by text,
     ended_idx bigint
   )`,
  `CREATE INDEX run_holders_run_id ON run_holders (run_id)`,
  // Who decided on a version of a grant, by the entries of the log that say so.
  `CREATE TABLE grant_decisions (
     idx bigint PRIMARY KEY,
     grant_id uuid NOT NULL,
     version integer NOT NULL,
     kind text NOT NULL,
     at timestamptz NOT NULL,
     by_issuer text,
     by_subject text
   )`,
  `CREATE INDEX grant_decisions_version ON grant_decisions (grant_id, version, idx)`,
  // What people and the broker itself do; what workloads do is found by the workload.
  `CREATE INDEX audit_entry_actor ON audit_entry (actor_subject, idx) WHERE actor_subject IS DISTINCT FROM workload_subject`,
  `CREATE INDEX audit_entry_code ON audit_entry (code, idx) WHERE code IS NOT NULL`,
  `CREATE INDEX call_sums_by_run ON call_sums (run_ref)`,
];

const DOWN = [
  'DROP INDEX audit_entry_actor, audit_entry_code, call_sums_by_run',
  'DROP TABLE lease_holds, run_holders, grant_decisions, hold_cursor',
  'DROP FUNCTION hold_length_class(timestamptz, timestamptz)',
];

/** Who held which credential, and by whose decision: kept beside the log, and made from it. */
export class Holds1700000010000 implements MigrationInterface {
  name = 'Holds1700000010000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const statement of DOWN) await runner.query(statement);
  }
}
