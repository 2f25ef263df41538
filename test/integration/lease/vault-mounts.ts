import { randomBytes } from 'node:crypto';
import type { TargetDatabase } from '../../../src/dev/target-database.js';
import { vaultParts } from '../../support/parts.js';
import { until } from '../../support/until.js';

/** Mounts, policies and a login of a test's own in the Vault of this run. */
export interface VaultMounts {
  readonly address: string;
  readonly database: string;
  readonly kv: string;
  readonly pki: string;
  readonly leaseTokenRole: string;
  readonly policyPrefix: string;
  readonly approleMount: string;
  readonly roleId: string;
  readonly secretId: string;
  /** The names under which credentials may be put into the catalogue: each has its policy. */
  readonly names: typeof NAMES;
  /** A call with the root token; answers the parsed body, throws on anything that is not a success. */
  call(method: string, path: string, body?: unknown): Promise<Record<string, unknown>>;
  /** Database users that Vault's leases stand for right now. */
  leases(role: string): Promise<string[]>;
}

const NAMES = { database: 'orders-db', slow: 'orders-slow', kv: 'api-key', pki: 'client-cert' } as const;

/** Sets up the three engines for a target, as an operator would. */
export async function mountEngines(target: TargetDatabase): Promise<VaultMounts> {
  const { address, rootToken } = vaultParts();
  const id = randomBytes(5).toString('hex');
  const call = async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> => {
    const answer = await fetch(`${address}/v1/${path}`, {
      method,
      headers: { 'X-Vault-Token': rootToken },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok && !(method === 'LIST' && answer.status === 404)) {
      throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    }
    return text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
  };
  const names = { database: `database-${id}`, kv: `kv-${id}`, pki: `pki-${id}` };
  const policyPrefix = `leasegate-${id}-`;
  const leaseTokenRole = `leasegate-lease-${id}`;
  const broker = `leasegate-broker-${id}`;

  await call('POST', `sys/mounts/${names.database}`, { type: 'database' });
  await call('POST', `${names.database}/config/target`, {
    plugin_name: 'postgresql-database-plugin',
    allowed_roles: ['*'],
    connection_url: target.connectionUrl,
    ...target.vaultAccount,
  });
  const create = [
    `CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}' IN ROLE ${target.readers}`,
  ];
  const role = {
    db_name: 'target',
    default_ttl: '300s',
    max_ttl: '3600s',
    revocation_statements: [
      'ALTER ROLE "{{name}}" NOLOGIN',
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{{name}}'`,
      'DROP ROLE IF EXISTS "{{name}}"',
    ],
  };
  await call('POST', `${names.database}/roles/reader`, { ...role, creation_statements: create });
  await call('POST', `${names.database}/roles/slow`, {
    ...role,
    creation_statements: [...create, 'SELECT pg_sleep(1)'],
  });
  await call('POST', `sys/mounts/${names.kv}`, { type: 'kv', options: { version: '2' } });
  await call('POST', `sys/mounts/${names.pki}`, { type: 'pki' });
  await call('POST', `${names.pki}/root/generate/internal`, { common_name: 'test root', ttl: '24h' });
  await call('POST', `${names.pki}/roles/client`, {
    allow_any_name: true,
    enforce_hostnames: false,
    generate_lease: true,
    max_ttl: '1h',
    key_type: 'ec',
    key_bits: 256,
  });
  // A new KV version 2 mount upgrades itself in the background and refuses writes for a moment.
  const secret = { data: { key: 'marker-secret' } };
  await until(() => call('POST', `${names.kv}/data/api-key`, secret), { what: 'the KV mount' });

  const paths: Record<keyof typeof NAMES, [string, string]> = {
    database: [`${names.database}/creds/reader`, 'read'],
    slow: [`${names.database}/creds/slow`, 'read'],
    kv: [`${names.kv}/data/api-key`, 'read'],
    pki: [`${names.pki}/issue/client`, 'update'],
  };
  for (const [key, [path, capability]] of Object.entries(paths)) {
    const policy = `path "${path}" { capabilities = ["${capability}"] }`;
    await call('PUT', `sys/policies/acl/${policyPrefix}${NAMES[key as keyof typeof NAMES]}`, { policy });
  }
  await call('POST', `auth/token/roles/${leaseTokenRole}`, {
    orphan: true,
    renewable: true,
    token_no_default_policy: true,
    allowed_policies_glob: [`${policyPrefix}*`],
  });
  const policy = [
    ['auth/token/create/' + leaseTokenRole, 'update'],
    ['auth/token/revoke-accessor', 'update'],
    ['auth/token/lookup-accessor', 'update'],
    ['sys/leases/revoke', 'update'],
    ['sys/leases/renew', 'update'],
    ['sys/leases/lookup', 'update'],
    [`sys/leases/lookup/${names.database}/*`, 'list", "sudo'],
    [`sys/leases/lookup/${names.pki}/*`, 'list", "sudo'],
  ]
    .map(([path, capability]) => `path "${path}" { capabilities = ["${capability}"] }`)
    .join('\n');
  await call('PUT', `sys/policies/acl/${broker}`, { policy });
  await call('POST', `sys/auth/approle-${id}`, { type: 'approle' });
  await call('POST', `auth/approle-${id}/role/broker`, { token_policies: [broker], token_ttl: '1h' });
  const roleId = (await call('GET', `auth/approle-${id}/role/broker/role-id`)) as unknown as Data<'role_id'>;
  const secretId = (await call(
    'POST',
    `auth/approle-${id}/role/broker/secret-id`,
    {},
  )) as unknown as Data<'secret_id'>;
  return {
    address,
    ...names,
    leaseTokenRole,
    policyPrefix,
    approleMount: `approle-${id}`,
    roleId: roleId.data.role_id,
    secretId: secretId.data.secret_id,
    names: NAMES,
    call,
    async leases(name) {
      const listed = (await call('LIST', `sys/leases/lookup/${names.database}/creds/${name}`)) as {
        data?: { keys: string[] };
      };
      return listed.data?.keys ?? [];
    },
  };
}

interface Data<K extends string> {
  readonly data: Readonly<Record<K, string>>;
}
