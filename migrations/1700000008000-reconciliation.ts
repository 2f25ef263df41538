import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Reports of reconciliations, and where this database was last seen. */
export class Reconciliation1700000008000 implements MigrationInterface {
  name = 'Reconciliation1700000008000';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of UP) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(DOWN);
  }
}

const UP = [
  `CREATE TABLE reconciliations (
     id uuid PRIMARY KEY,
     trigger text NOT NULL CHECK (trigger IN ('scheduled', 'asked', 'hold')),
     dry_run boolean NOT NULL,
     state text NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'failed', 'aborted')),
     reason text,
     requested_at timestamptz NOT NULL,
     requested_by text NOT NULL,
     started_at timestamptz,
     finished_at timestamptz,
     error text,
     summary jsonb NOT NULL DEFAULT '{}',
     CHECK (state <> 'waiting' OR started_at IS NULL),
     CHECK (state NOT IN ('running', 'done', 'failed') OR started_at IS NOT NULL),
     CHECK ((state IN ('done', 'failed', 'aborted')) = (finished_at IS NOT NULL)),
     CHECK (trigger <> 'hold' OR dry_run)
   )`,
  // One at a time, whatever the replicas believe.
  `CREATE UNIQUE INDEX reconciliations_one_running ON reconciliations ((true)) WHERE state = 'running'`,
  `CREATE INDEX reconciliations_waiting ON reconciliations (requested_at) WHERE state = 'waiting'`,
  `CREATE TABLE reconciliation_findings (
     reconciliation uuid NOT NULL REFERENCES reconciliations ON DELETE CASCADE,
     seq integer NOT NULL CHECK (seq > 0),
     kind text NOT NULL,
     detail text NOT NULL,
     action text NOT NULL CHECK (action IN ('none', 'done', 'failed')),
     credential text,
     mount text,
     lease_id uuid,
     vault_lease text,
     account text,
     PRIMARY KEY (reconciliation, seq)
   )`,
  `CREATE TABLE database_identity (
     singleton boolean PRIMARY KEY DEFAULT true CHECK (singleton),
     identity text NOT NULL,
     noted_at timestamptz NOT NULL
   )`,
];

const DOWN = 'DROP TABLE database_identity, reconciliation_findings, reconciliations';
