import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { credentialBody } from './api/view/credential-view.js';
import { selectCredentials } from './credential/credential-rows.js';
import { createDataSource } from './database/data-source.js';
import { BrokerError } from './kernel/broker-error.js';
import { SystemClock } from './kernel/clock.js';
import { Secret } from './kernel/secret.js';
import { NOT_ENDED } from './lease/lease-row.js';
import type { Settings } from './settings/schema.js';
import { auditDevices } from './settings/vault-audit-schema.js';
import { apply } from './vault/bootstrap/apply.js';
import type { BootstrapInput } from './vault/bootstrap/input.js';
import { OperatorVault } from './vault/bootstrap/operator.js';
import { plan } from './vault/bootstrap/plan.js';
import { clientOptions } from './vault/client-options.js';
import { VaultClient } from './vault/vault-client.js';
import { NoTimings } from './vault/vault-timings.js';

/** What to plan or apply. */
export interface VaultBootstrapOptions {
  /** File or folder with credentials, as the API takes them; the catalogue in the database unless given. */
  readonly credentials?: string | undefined;
  readonly apply: boolean;
}

type Line = Readonly<Record<string, unknown>>;

/**
 * Plans what the broker needs in Vault, or does it, with the operator's own token (`VAULT_TOKEN`). After an apply with
 * AppRole the last line has the role id for the settings; a secret id is the operator's to make and to hand over.
 */
export async function bootstrapVault(
  settings: Settings,
  options: VaultBootstrapOptions,
): Promise<readonly Line[]> {
  const token = process.env['VAULT_TOKEN'];
  if (token === undefined || token === '')
    throw new BrokerError('authentication_required', { detail: 'set VAULT_TOKEN to an operator’s token' });
  const client = new VaultClient(clientOptions(settings.values.vault), new SystemClock(), new NoTimings());
  try {
    const vault = new OperatorVault(client, Secret.of(token));
    const input = await bootstrapInput(settings, options.credentials);
    if (!options.apply) return (await plan(vault, input)).map((change) => ({ ...change }));
    const { changes, roleId } = await apply(vault, input);
    const login = roleId === undefined ? [] : [{ kind: 'login', name: 'vault.login.roleId', detail: roleId }];
    return [...changes.map((change) => ({ ...change })), ...login];
  } finally {
    await client.close();
  }
}

async function bootstrapInput(settings: Settings, path: string | undefined): Promise<BootstrapInput> {
  const { login, leaseTokenRole, policyPrefix } = settings.values.vault;
  return {
    leaseTokenRole,
    policyPrefix,
    ...logNeeds(settings),
    auditDevices: [...auditDevices(settings.values.vaultAudit)],
    listTokens: settings.values.reconciliation.listTokens,
    ...(path === undefined ? await catalogue(settings) : { credentials: readCredentials(path).map(needOf) }),
    ...(login.method === 'approle' ? { approle: { mount: login.mount } } : {}),
  };
}

function logNeeds({ values }: Settings): Pick<BootstrapInput, 'log'> {
  const { signing } = values.audit.log;
  if (signing === undefined) return {};
  const { mount, key, highWater } = signing;
  return { log: { transitMount: mount, key, markMount: highWater.mount, markPath: highWater.path } };
}

type Need = BootstrapInput['credentials'][number];

function needOf({ name, kind, mount, path, default_ttl_seconds: ttl }: CredentialFile): Need {
  return { name, kind, mount, path, ...(ttl === undefined ? {} : { defaultTtlSeconds: ttl }) };
}

/** The catalogue, and the mounts that live leases still need though no credential names them any more. */
async function catalogue(settings: Settings): Promise<Pick<BootstrapInput, 'credentials' | 'formerMounts'>> {
  const dataSource = createDataSource(settings);
  await dataSource.initialize().catch((cause: unknown) => {
    throw new BrokerError('database_unavailable', {
      cause,
      detail: 'The catalogue cannot be read; name files instead.',
    });
  });
  try {
    const credentials = await selectCredentials(dataSource.manager, 'ORDER BY name', []);
    const formerMounts = await dataSource.query<{ kind: Need['kind']; mount: string }[]>(
      `SELECT DISTINCT l.kind, l.mount FROM leases l WHERE l.${NOT_ENDED}
         AND NOT EXISTS (SELECT 1 FROM credentials c WHERE c.kind = l.kind AND c.mount = l.mount)`,
    );
    return { credentials, formerMounts };
  } finally {
    await dataSource.destroy();
  }
}

type CredentialFile = ReturnType<typeof credentialBody.parse>;

/** Credentials from a file, or from every `.yaml`, `.yml` and `.json` of a folder; refuses what the API would refuse. */
export function readCredentials(path: string): CredentialFile[] {
  const files = statSync(path).isDirectory()
    ? readdirSync(path)
        .filter((name) => /\.(ya?ml|json)$/.test(name))
        .sort()
        .map((name) => join(path, name))
    : [path];
  return files.flatMap(readFile);
}

function readFile(file: string): CredentialFile[] {
  const content = parse(readFileSync(file, 'utf8')) as unknown;
  return [content].flat().map((spec) => {
    const result = credentialBody.safeParse(spec);
    if (result.success) return result.data;
    const [issue] = result.error.issues;
    const field = issue?.path.join('.') ?? '';
    throw new BrokerError('request_invalid', { field, detail: `${file}: ${field} ${issue?.message ?? ''}` });
  });
}
