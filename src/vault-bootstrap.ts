import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { credentialBody } from './api/view/credential-view.js';
import { BrokerError } from './kernel/broker-error.js';
import { SystemClock } from './kernel/clock.js';
import { Secret } from './kernel/secret.js';
import type { Settings } from './settings/schema.js';
import { apply } from './vault/bootstrap/apply.js';
import type { BootstrapInput } from './vault/bootstrap/input.js';
import { OperatorVault } from './vault/bootstrap/operator.js';
import { plan } from './vault/bootstrap/plan.js';
import { VaultClient } from './vault/vault-client.js';
import { NoTimings } from './vault/vault-timings.js';

/** What to plan or apply. */
export interface VaultBootstrapOptions {
  /** File or folder of YAML or JSON with credentials, as the API takes them. */
  readonly credentials?: string | undefined;
  readonly apply: boolean;
}

/** Plans what the broker needs in Vault, or does it, with the operator's own token (`VAULT_TOKEN`). */
export async function bootstrapVault(
  settings: Settings,
  options: VaultBootstrapOptions,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const token = process.env['VAULT_TOKEN'];
  if (token === undefined || token === '')
    throw new BrokerError('authentication_required', { detail: 'set VAULT_TOKEN to an operator’s token' });
  const { address, redirectAddresses, namespace, caFile, timeoutMs, connections } = settings.values.vault;
  const client = new VaultClient(
    { address, redirectAddresses, namespace, caFile, timeoutMs, connections },
    new SystemClock(),
    new NoTimings(),
  );
  try {
    const vault = new OperatorVault(client, Secret.of(token));
    const input = bootstrapInput(settings, options.credentials);
    const changes = options.apply ? (await apply(vault, input)).changes : await plan(vault, input);
    return changes.map((change) => ({ ...change }));
  } finally {
    await client.close();
  }
}

function bootstrapInput(settings: Settings, path: string | undefined): BootstrapInput {
  const { login, leaseTokenRole, policyPrefix } = settings.values.vault;
  const credentials = path === undefined ? [] : readCredentials(path);
  return {
    leaseTokenRole,
    policyPrefix,
    credentials: credentials.map(({ name, kind, mount, path: role, default_ttl_seconds: ttl }) => ({
      name,
      kind,
      mount,
      path: role,
      ...(ttl === undefined ? {} : { defaultTtlSeconds: ttl }),
    })),
    ...(login.method === 'approle' ? { approle: { mount: login.mount } } : {}),
  };
}

/** Credentials from a file, or from every `.yaml`, `.yml` and `.json` of a folder; refuses what the API would refuse. */
export function readCredentials(path: string): ReturnType<typeof credentialBody.parse>[] {
  const files = statSync(path).isDirectory()
    ? readdirSync(path)
        .filter((name) => /\.(ya?ml|json)$/.test(name))
        .sort()
        .map((name) => join(path, name))
    : [path];
  return files.flatMap((file) => {
    const content = parse(readFileSync(file, 'utf8')) as unknown;
    const specs: readonly unknown[] = Array.isArray(content) ? content : [content];
    return specs.map((spec) => {
      const result = credentialBody.safeParse(spec);
      if (result.success) return result.data;
      const [issue] = result.error.issues;
      throw new BrokerError('request_invalid', {
        field: issue?.path.join('.') ?? '',
        detail: `${file}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is not valid'}`,
      });
    });
  });
}
