import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What Vault's audit device and the logs of targets say about leases: where was read on, and what was found. */
export class VaultUses1700000011000 implements MigrationInterface {
  name = 'VaultUses1700000011000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN);
  }
}

const UP = [
  // The line that a file begins with tells files apart: numbers of files are given again, and names are moved on.
  `CREATE TABLE log_cursors (
     source text PRIMARY KEY CHECK (length(source) BETWEEN 1 AND 1024),
     file_number text NOT NULL,
     first_line bytea NOT NULL CHECK (length(first_line) = 32),
     read_bytes bigint NOT NULL CHECK (read_bytes >= 0),
     moved_at timestamptz NOT NULL
   )`,
  // What an audit device writes for a value of ours: under the salt of that device, so it cannot be made here.
  `CREATE TABLE vault_hashes (
     device text NOT NULL,
     hash text NOT NULL CHECK (length(hash) BETWEEN 1 AND 256),
     lease_id uuid NOT NULL REFERENCES leases ON DELETE CASCADE,
     PRIMARY KEY (device, hash)
   )`,
  `CREATE INDEX vault_hashes_by_lease ON vault_hashes (lease_id)`,
  `CREATE TABLE lease_uses (
     lease_id uuid NOT NULL REFERENCES leases ON DELETE CASCADE,
     what text NOT NULL CHECK (what IN ('handed_out', 'vault_request', 'vault_denied', 'unwrapped', 'login', 'login_refused')),
     place text NOT NULL,
     operation text NOT NULL,
     source text NOT NULL,
     span_start timestamptz NOT NULL,
     count bigint NOT NULL CHECK (count > 0),
     told bigint NOT NULL DEFAULT 0 CHECK (told BETWEEN 0 AND count),
     first_at timestamptz NOT NULL,
     last_at timestamptz NOT NULL CHECK (last_at >= first_at),
     via text NOT NULL,
     request text NOT NULL,
     PRIMARY KEY (lease_id, what, place, operation, source, span_start)
   )`,
  // The broker reads a credential once for each lease; a second read is somebody else's, or a line that came twice.
  `CREATE UNIQUE INDEX lease_uses_handed_out ON lease_uses (lease_id) WHERE what = 'handed_out'`,
  `CREATE INDEX lease_uses_untold ON lease_uses (span_start) WHERE told < count`,
  `CREATE INDEX leases_by_account ON leases (account) WHERE account IS NOT NULL`,
];

const DOWN = `DROP INDEX leases_by_account; DROP TABLE lease_uses, vault_hashes, log_cursors`;
