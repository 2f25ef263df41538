import type { BrokerParts } from '../broker-parts.js';
import type { BrokerDatabase } from './broker-database.js';

const MOUNT = 'bench-dead';
/** Real leases at the dead mount; each stands for many rows, since Vault fails at all of them alike. */
const REAL = 20;

/** A database mount of Vault whose target is gone, and that the broker has no right to: leases that nobody can revoke. */
export async function makeDeadMount({ vault, target }: BrokerParts): Promise<readonly string[]> {
  await vault.call('POST', `sys/mounts/${MOUNT}`, { type: 'database' });
  const config = { plugin_name: 'postgresql-database-plugin', allowed_roles: ['*'], ...target.vaultAccount };
  await vault.call('POST', `${MOUNT}/config/target`, { ...config, connection_url: target.connectionUrl });
  await vault.call('POST', `${MOUNT}/roles/reader`, {
    db_name: 'target',
    default_ttl: '1h',
    creation_statements: [`CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}'`],
  });
  for (let made = 0; made < REAL; made += 1) await vault.call('GET', `${MOUNT}/creds/reader`);
  const listed = await vault.call('LIST', `sys/leases/lookup/${MOUNT}/creds/reader`);
  const leases = (listed['keys'] as string[]).map((key) => `${MOUNT}/creds/reader/${key}`);
  // Port 1 refuses at once, as a database that is down does.
  const gone = 'postgresql://{{username}}:{{password}}@127.0.0.1:1/gone?sslmode=disable&connect_timeout=1';
  await vault.call('POST', `${MOUNT}/config/target`, {
    ...config,
    connection_url: gone,
    verify_connection: false,
  });
  return leases;
}

/** Makes that many rows overdue at the dead mount. */
export async function seedOverdue(
  database: BrokerDatabase,
  leases: readonly string[],
  count: number,
): Promise<void> {
  await database.query(
    `INSERT INTO leases (id, run_ref, step_id, grant_id, grant_version, credential, credential_version, kind, mount, delivery,
       revocable, state, accessor, vault_lease_id, requested_at, issued_at, expires_at, max_expires_at, revoke_cause,
       revoke_requested_at, next_attempt_at)
     SELECT gen_random_uuid(), r.id, 'dead', r.grant_id, r.grant_version, 'orders-readonly', 1, 'database', $1, 'inline',
       true, 'revoking', 'dead-' || gen_random_uuid(), ($2::text[])[1 + n % $3::int], now(), now(), now(), now(), 'expiry',
       now(), now() - interval '1 hour'
     FROM (SELECT * FROM runs LIMIT 1) r, generate_series(1, $4::int) n`,
    [MOUNT, leases, leases.length, count],
  );
  // They have been there for an hour: that the table grew at once is no part of what is measured.
  await database.query('VACUUM (ANALYZE) leases');
}

/** Takes them away again. */
export async function dropOverdue(database: BrokerDatabase): Promise<void> {
  await database.query(`DELETE FROM leases WHERE step_id = 'dead'`);
  await database.query('VACUUM leases');
}
