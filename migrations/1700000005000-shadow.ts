import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What goes around the gateway: logs that were taken in, and what was found in them. */
export class Shadow1700000005000 implements MigrationInterface {
  name = 'Shadow1700000005000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN);
  }
}

const UP = [
  // A batch that is sent again counts nothing again: its digest is its key.
  `CREATE TABLE shadow_batches (
     digest bytea NOT NULL CHECK (length(digest) = 32),
     format text NOT NULL,
     lines bigint NOT NULL CHECK (lines >= 0),
     unreadable bigint NOT NULL CHECK (unreadable BETWEEN 0 AND lines),
     managed bigint NOT NULL CHECK (managed BETWEEN 0 AND lines),
     ours bigint NOT NULL,
     undecided bigint NOT NULL,
     shadow bigint NOT NULL,
     events bigint NOT NULL CHECK (events BETWEEN 0 AND shadow),
     received_at timestamptz NOT NULL,
     received_by text NOT NULL,
     PRIMARY KEY (digest, format),
     CHECK (ours + undecided + shadow = managed)
   )`,
  `CREATE INDEX shadow_batches_age ON shadow_batches (received_at)`,
  `CREATE TRIGGER shadow_batches_immutable BEFORE UPDATE ON shadow_batches FOR EACH ROW EXECUTE FUNCTION refuse_change()`,
  // Empty text where something is not known: null would make two of the same group two rows.
  `CREATE TABLE shadow_egress (
     id uuid PRIMARY KEY,
     day date NOT NULL,
     host text NOT NULL,
     tools text[] NOT NULL,
     evidence text NOT NULL CHECK (evidence IN ('connection', 'request', 'dns')),
     allowed boolean NOT NULL,
     source text NOT NULL,
     workload text NOT NULL,
     pod text NOT NULL,
     count bigint NOT NULL CHECK (count > 0),
     first_at timestamptz NOT NULL,
     last_at timestamptz NOT NULL CHECK (last_at >= first_at),
     UNIQUE (day, host, evidence, allowed, source, workload, pod)
   )`,
  `CREATE TABLE shadow_provider_usage (
     day date NOT NULL,
     source text NOT NULL,
     key text NOT NULL,
     theirs_micros bigint NOT NULL,
     ours_micros bigint NOT NULL,
     found_at timestamptz NOT NULL,
     PRIMARY KEY (day, source, key),
     CHECK (theirs_micros > ours_micros)
   )`,
];

const DOWN = `DROP TABLE shadow_provider_usage, shadow_egress, shadow_batches`;
