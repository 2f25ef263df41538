import { SystemClock } from '../kernel/clock.js';
import { Secret } from '../kernel/secret.js';
import { apply } from '../vault/bootstrap/apply.js';
import { OperatorVault } from '../vault/bootstrap/operator.js';
import { VaultClient } from '../vault/vault-client.js';
import { NoTimings } from '../vault/vault-timings.js';
import { mountsNamed, unmountEngines, type EngineMounts } from './engines.js';
import type { CredentialSpecBody } from './example-specs.js';
import type { VaultOperator } from './vault-operator.js';

/** Where the high-water mark is below its mount. */
export const MARK_PATH = 'log';

/** What one broker has in a Vault. All of it is named by an id, so that several brokers can share one Vault. */
export interface VaultNames {
  readonly mounts: EngineMounts;
  readonly approleMount: string;
  readonly leaseTokenRole: string;
  readonly policyPrefix: string;
  readonly brokerPolicy: string;
  readonly reconcilerPolicy: string;
  /** What signs the log. */
  readonly log: { readonly transit: string; readonly key: string; readonly mark: string };
}

/** What the broker logs in with. */
export interface BrokerLogin {
  readonly roleId: string;
  readonly secretId: string;
}

export function vaultNames(id: string): VaultNames {
  return {
    mounts: mountsNamed(id),
    approleMount: `approle-${id}`,
    leaseTokenRole: `leasegate-lease-${id}`,
    policyPrefix: `leasegate-credential-${id}-`,
    brokerPolicy: `leasegate-broker-${id}`,
    reconcilerPolicy: `leasegate-reconciler-${id}`,
    log: { transit: `transit-${id}`, key: 'leasegate-log', mark: `log-${id}` },
  };
}

/**
 * Makes policies, token role and AppRole from `vault-policies/`, as `leasegate vault apply` does, and a secret id.
 * Call it again when the catalogue has more credentials.
 */
export async function bootstrapVault(
  operator: VaultOperator,
  names: VaultNames,
  credentials: readonly CredentialSpecBody[],
  { auditDevices = [], listTokens = false }: { auditDevices?: readonly string[]; listTokens?: boolean } = {},
): Promise<BrokerLogin> {
  const client = new VaultClient(
    {
      address: operator.address,
      redirectAddresses: [],
      caFile: undefined,
      namespace: undefined,
      timeoutMs: 15_000,
      connections: 4,
    },
    new SystemClock(),
    new NoTimings(),
  );
  try {
    const { roleId, secretId } = await apply(
      new OperatorVault(client, Secret.of(operator.token)),
      {
        leaseTokenRole: names.leaseTokenRole,
        policyPrefix: names.policyPrefix,
        brokerPolicy: names.brokerPolicy,
        reconcilerPolicy: names.reconcilerPolicy,
        auditDevices: [...auditDevices],
        listTokens,
        credentials: credentials.map(({ name, kind, mount, path }) => ({ name, kind, mount, path })),
        approle: { mount: names.approleMount },
        log: {
          transitMount: names.log.transit,
          key: names.log.key,
          markMount: names.log.mark,
          markPath: MARK_PATH,
        },
      },
      { newSecretId: true },
    );
    if (roleId === undefined || secretId === undefined) throw new Error('Vault gave no login for the broker');
    return { roleId, secretId: secretId.expose() };
  } finally {
    await client.close();
  }
}

/** Takes away all that {@link bootstrapVault} and `mountEngines` made; for a Vault that is not ours. */
export async function clearVault(operator: VaultOperator, names: VaultNames): Promise<void> {
  await unmountEngines(operator, names.mounts);
  await unmountLog(operator, names);
  await operator.call('DELETE', `sys/auth/${names.approleMount}`);
  await operator.call('DELETE', `auth/token/roles/${names.leaseTokenRole}`);
  const { keys } = await operator.call('LIST', 'sys/policies/acl');
  const ours = [names.brokerPolicy, names.reconcilerPolicy];
  for (const policy of (keys ?? []) as string[]) {
    if (ours.includes(policy) || policy.startsWith(names.policyPrefix)) {
      await operator.call('DELETE', `sys/policies/acl/${policy}`);
    }
  }
}

/** Takes away what signs the log, with the key in it. */
export async function unmountLog(operator: VaultOperator, { log }: VaultNames): Promise<void> {
  for (const mount of [log.transit, log.mark]) await operator.call('DELETE', `sys/mounts/${mount}`);
}
