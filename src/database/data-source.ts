import { DataSource } from 'typeorm';
import type { Settings } from '../settings/schema.js';
import { First1700000000000 } from '../../migrations/1700000000000-first.js';
import { Tools1700000001000 } from '../../migrations/1700000001000-tools.js';
import { Calls1700000002000 } from '../../migrations/1700000002000-calls.js';
import { Costs1700000003000 } from '../../migrations/1700000003000-costs.js';
import { WatchedClient } from './watched-client.js';
import { Alerts1700000004000 } from '../../migrations/1700000004000-alerts.js';
import { Shadow1700000005000 } from '../../migrations/1700000005000-shadow.js';
import { Revocations1700000006000 } from '../../migrations/1700000006000-revocations.js';
import { StuckLeases1700000007000 } from '../../migrations/1700000007000-stuck-leases.js';
import { Reconciliation1700000008000 } from '../../migrations/1700000008000-reconciliation.js';
import { Log1700000009000 } from '../../migrations/1700000009000-log.js';
import { Holds1700000010000 } from '../../migrations/1700000010000-holds.js';
import { VaultUses1700000011000 } from '../../migrations/1700000011000-vault-uses.js';
import { Sinks1700000012000 } from '../../migrations/1700000012000-sinks.js';
import { AuditPartitions1700000013000 } from '../../migrations/1700000013000-audit-partitions.js';
import { ScheduledExports1700000014000 } from '../../migrations/1700000014000-scheduled-exports.js';

/** Every migration, oldest first. A released one never changes. */
export const MIGRATIONS = [
  First1700000000000,
  Tools1700000001000,
  Calls1700000002000,
  Costs1700000003000,
  Alerts1700000004000,
  Shadow1700000005000,
  Revocations1700000006000,
  StuckLeases1700000007000,
  Reconciliation1700000008000,
  Log1700000009000,
  Holds1700000010000,
  VaultUses1700000011000,
  Sinks1700000012000,
  AuditPartitions1700000013000,
  ScheduledExports1700000014000,
];

/** Beyond a statement's own time: what a slow network may take for its answer. */
const ANSWER_ON_ITS_WAY_MS = 2_000;

/** What differs for work that is not of the moment. */
export interface ConnectionLimits {
  readonly poolSize?: number;
  readonly statementTimeoutMs?: number;
  /** How long a transaction may stand still; as long as a statement unless given. */
  readonly idleInTransactionMs?: number;
}

/**
 * A data source for the configured database; not connected yet. The schema comes from migrations alone
 * (`synchronize` is never on), and there are no entities: statements are written.
 */
export function createDataSource(settings: Settings, limits: ConnectionLimits = {}): DataSource {
  const { url } = settings.values.database;
  const { poolSize, statementTimeoutMs } = { ...settings.values.database, ...limits };
  return new DataSource({
    type: 'postgres',
    url: url.expose(),
    applicationName: 'leasegate',
    migrations: MIGRATIONS,
    migrationsTableName: 'schema_migrations',
    synchronize: false,
    logging: false,
    poolSize,
    extra: {
      max: poolSize,
      statement_timeout: statementTimeoutMs,
      idle_in_transaction_session_timeout: limits.idleInTransactionMs ?? statementTimeoutMs,
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
      Client: WatchedClient,
      answerWithinMs: statementTimeoutMs + ANSWER_ON_ITS_WAY_MS,
    },
  });
}
