import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Revocations of many leases: found by mount in constant time, and those that fail again and again are told apart. */
export class StuckLeases1700000007000 implements MigrationInterface {
  name = 'StuckLeases1700000007000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN);
  }
}

const UP = [
  // By mount first: who asks for the next of one mount must not read past all that wait for another.
  `DROP INDEX leases_due_revocation`,
  `CREATE INDEX leases_due_revocation ON leases (mount, next_attempt_at) WHERE state IN ('revoking', 'orphaned')`,
  // How late each mount is, without a look at all that wait there.
  `CREATE INDEX leases_late ON leases (mount, revoke_requested_at) WHERE state IN ('revoking', 'orphaned')`,
  `ALTER TABLE leases
     ADD COLUMN stuck_since timestamptz,
     ADD CONSTRAINT leases_stuck_not_proved CHECK (stuck_since IS NULL OR state IN ('revoking', 'orphaned', 'forgotten')),
     ADD CONSTRAINT leases_forgotten_unproved CHECK (state <> 'forgotten' OR (stuck_since IS NOT NULL AND proof IS NULL))`,
  `CREATE INDEX leases_stuck ON leases (id) WHERE stuck_since IS NOT NULL AND state IN ('revoking', 'orphaned')`,
  // A claim changes no column of an index: with room on its page it costs no index entries.
  `ALTER TABLE leases SET (fillfactor = 80)`,
  // Mounts that revocations are late at, so that a lag is told once and not by every process that sees it.
  `CREATE TABLE revocation_lags (mount text PRIMARY KEY, since timestamptz NOT NULL)`,
];

const DOWN = `
  DROP TABLE revocation_lags;
  ALTER TABLE leases RESET (fillfactor);
  DROP INDEX leases_stuck, leases_late;
  ALTER TABLE leases DROP COLUMN stuck_since;
  DROP INDEX leases_due_revocation;
  CREATE INDEX leases_due_revocation ON leases (next_attempt_at) WHERE state IN ('revoking', 'orphaned');
`;
