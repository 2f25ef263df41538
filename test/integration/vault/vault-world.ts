import { randomBytes } from 'node:crypto';
import {
  DATABASE_ROLE,
  KV_PATH,
  mountEngines,
  mountsNamed,
  PKI_ROLE,
  unmountEngines,
} from '../../../src/dev/engines.js';
import { VaultOperator } from '../../../src/dev/vault-operator.js';
import { RandomIds } from '../../../src/kernel/ids.js';
import { SystemClock } from '../../../src/kernel/clock.js';
import { Secret } from '../../../src/kernel/secret.js';
import type { CredentialRequest } from '../../../src/lease/credential-source.js';
import { apply } from '../../../src/vault/bootstrap/apply.js';
import type { BootstrapInput } from '../../../src/vault/bootstrap/input.js';
import { OperatorVault } from '../../../src/vault/bootstrap/operator.js';
import { VaultClient } from '../../../src/vault/vault-client.js';
import { VaultCredentialSource } from '../../../src/vault/vault-credential-source.js';
import type { VaultLogin } from '../../../src/vault/vault-login.js';
import { VaultTroubles } from '../../../src/vault/vault-troubles.js';
import { VaultSession } from '../../../src/vault/vault-session.js';
import type { TargetDatabase } from '../../../src/dev/target-database.js';
import { freshTarget, vaultParts } from '../../support/parts.js';
import { ManualTimers } from './manual-timers.js';
import { RecordingLog } from './recording-log.js';
import { RecordedTimings } from './recorded-timings.js';

const clock = new SystemClock();
export const ids = new RandomIds(clock);

/** A client of this run's Vault (or of another address), with what it reports. */
export function clientAt(
  address: string = vaultParts().address,
  options: { timeoutMs?: number; redirectAddresses?: readonly string[] } = {},
): { client: VaultClient; timings: RecordedTimings } {
  const timings = new RecordedTimings();
  const client = new VaultClient(
    {
      address,
      namespace: undefined,
      caFile: undefined,
      timeoutMs: options.timeoutMs ?? 10_000,
      connections: 32,
      redirectAddresses: options.redirectAddresses ?? [],
    },
    clock,
    timings,
  );
  return { client, timings };
}

/** A session with its manual timers and recorded log. */
export function sessionOf(
  client: VaultClient,
  login: VaultLogin,
): { session: VaultSession; timers: ManualTimers; log: RecordingLog } {
  const timers = new ManualTimers();
  const log = new RecordingLog();
  return { session: new VaultSession(client, login, clock, timers, log, ids), timers, log };
}

/** Vault with engines, policies and roles whose names nobody else has. */
export interface VaultWorld {
  readonly root: VaultOperator;
  readonly operator: OperatorVault;
  readonly input: BootstrapInput & { readonly approle: { readonly mount: string; readonly role: string } };
  readonly names: { readonly leaseTokenRole: string; readonly policyPrefix: string };
  readonly login: Extract<VaultLogin, { method: 'approle' }>;
  readonly target: TargetDatabase;
  readonly id: string;
  /** What to ask for, by kind. */
  request(kind: CredentialRequest['kind'], ttlSeconds?: number): CredentialRequest;
  source(client: VaultClient, session: VaultSession): VaultCredentialSource;
  stop(): Promise<void>;
}

/** Sets up engines on a fresh target and bootstraps as `vault apply` does, on the Vault of this run or another. */
export async function startVaultWorld(
  at: { address: string; rootToken: string } = vaultParts(),
  approle: { tokenTtlSeconds?: number; tokenMaxTtlSeconds?: number } = {},
): Promise<VaultWorld> {
  const id = randomBytes(4).toString('hex');
  const root = new VaultOperator(at.address, at.rootToken);
  const target = await freshTarget();
  const mounts = mountsNamed(id);
  await mountEngines(root, mounts, target);
  const request = (kind: CredentialRequest['kind'], ttlSeconds = 900): CredentialRequest => ({
    name: kind,
    kind,
    mount: mounts[kind],
    path: { database: DATABASE_ROLE, kv: KV_PATH, pki: PKI_ROLE }[kind],
    parameters: kind === 'pki' ? { common_name: 'worker.internal.example' } : {},
    ttlSeconds,
  });
  const names = { leaseTokenRole: `lease-${id}`, policyPrefix: `credential-${id}-` };
  const input = {
    ...names,
    credentials: (['database', 'kv', 'pki'] as const).map((kind) => ({
      ...request(kind),
      defaultTtlSeconds: 900,
    })),
    brokerPolicy: `broker-${id}`,
    reconcilerPolicy: `reconciler-${id}`,
    approle: { mount: `approle-${id}`, role: 'leasegate', ...approle },
  };
  const { client } = clientAt(at.address);
  const operator = new OperatorVault(client, Secret.of(at.rootToken));
  const { roleId, secretId } = await apply(operator, input, { newSecretId: true });
  if (roleId === undefined || secretId === undefined) throw new Error('apply gave no login');
  return {
    root,
    operator,
    input,
    names,
    login: { method: 'approle', mount: input.approle.mount, roleId, secretId },
    target,
    id,
    request,
    source: (own, session) => new VaultCredentialSource(own, session, clock, names, new VaultTroubles(clock)),
    async stop() {
      await unmountEngines(root, mounts);
      await root.call('DELETE', `sys/auth/${input.approle.mount}`);
      await client.close();
      await target.drop();
    },
  };
}

/** Metadata of a lease's token. */
export const METADATA = {
  run_id: 'run-1',
  step_id: 'step-1',
  lease_id: 'lease-1',
  grant: 'nightly',
} as const;
