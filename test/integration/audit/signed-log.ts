import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CheckpointWriter } from '../../../src/audit/log/checkpoint-writer.js';
import { Checkpoints } from '../../../src/audit/log/checkpoints.js';
import { LogDirectory } from '../../../src/audit/log/log-directory.js';
import { LogFiles } from '../../../src/audit/log/log-files.js';
import { LogOrigins } from '../../../src/audit/log/log-origins.js';
import { LogRepair } from '../../../src/audit/log/log-repair.js';
import { NewOrigin } from '../../../src/audit/log/new-origin.js';
import { SetBackCheck } from '../../../src/audit/log/set-back.js';
import { VaultOperator } from '../../../src/dev/vault-operator.js';
import { SilentLog } from '../../../src/kernel/log.js';
import { Secret } from '../../../src/kernel/secret.js';
import type { Settings } from '../../../src/settings/schema.js';
import { apply } from '../../../src/vault/bootstrap/apply.js';
import { OperatorVault } from '../../../src/vault/bootstrap/operator.js';
import { KvHighWater } from '../../../src/vault/kv-high-water.js';
import { SystemTimers } from '../../../src/vault/timers.js';
import { TransitSigner } from '../../../src/vault/transit-signer.js';
import { VaultClient } from '../../../src/vault/vault-client.js';
import { VaultSession } from '../../../src/vault/vault-session.js';
import { NoTimings } from '../../../src/vault/vault-timings.js';
import { vaultParts } from '../../support/parts.js';
import { openLog, type LogParts } from './log-parts.js';

/** A log that a real Vault signs and that is written to a folder. */
export interface SignedLog extends LogParts {
  /** With the root token, to do to the key and the mark what operators do. */
  readonly operator: VaultOperator;
  readonly mounts: { readonly transit: string; readonly mark: string };
  readonly directory: string;
  readonly checkpoints: Checkpoints;
  readonly files: LogFiles;
  readonly origins: LogOrigins;
  readonly newOrigin: NewOrigin;
  /** One more replica's; each with a memory of its own. `overlapHours` is 168 unless told. */
  writer(overlapHours?: number): CheckpointWriter;
}

/** Opens a log with `changes` of settings and a key, a place for the mark and a login of its own, made as `leasegate vault apply` makes them. */
export async function openSignedLog(changes: Readonly<Record<string, unknown>> = {}): Promise<SignedLog> {
  const id = randomBytes(4).toString('hex');
  const mounts = { transit: `transit-${id}`, mark: `mark-${id}` };
  const directory = await mkdtemp(join(tmpdir(), 'leasegate-log-'));
  const signing = { mount: mounts.transit, highWater: { mount: mounts.mark }, keyRefreshMs: 100 };
  const audit = { hmacKey: 'a key of the test', batchSize: 500, log: { signing, directory } };
  const parts = await openLog(500, { ...changes, audit });
  const { address, rootToken } = vaultParts();
  const transport = {
    ...{ address, redirectAddresses: [], caFile: undefined, namespace: undefined },
    ...{ timeoutMs: 15_000, connections: 4 },
  };
  const client = new VaultClient(transport, parts.clock, new NoTimings());
  const { roleId, secretId } = await apply(
    new OperatorVault(client, Secret.of(rootToken)),
    {
      leaseTokenRole: `leasegate-lease-${id}`,
      policyPrefix: `leasegate-credential-${id}-`,
      brokerPolicy: `leasegate-broker-${id}`,
      reconcilerPolicy: `leasegate-reconciler-${id}`,
      credentials: [],
      approle: { mount: `approle-${id}` },
      log: { transitMount: mounts.transit, key: 'leasegate-log', markMount: mounts.mark, markPath: 'log' },
    },
    { newSecretId: true },
  );
  if (roleId === undefined || secretId === undefined) throw new Error('Vault gave no login');
  const session = new VaultSession(
    client,
    { method: 'approle', mount: `approle-${id}`, roleId, secretId },
    parts.clock,
    new SystemTimers(),
    new SilentLog(),
    parts.ids,
  );
  await session.start();
  const checkpoints = new Checkpoints(parts.transactions);
  const files = new LogFiles(parts.transactions, parts.tree);
  const publisher = new LogDirectory(parts.settings, parts.ids, files);
  const origins = new LogOrigins(parts.transactions);
  const signer = new TransitSigner(client, session, { mount: mounts.transit, name: 'leasegate-log' });
  const mark = new KvHighWater(client, session, { mount: mounts.mark, path: 'log' });
  return {
    ...parts,
    operator: new VaultOperator(address, rootToken),
    mounts,
    directory,
    checkpoints,
    files,
    writer: (overlapHours = 168) =>
      new CheckpointWriter(
        withOverlap(parts.settings, overlapHours),
        parts.clock,
        parts.transactions,
        new SetBackCheck(parts.tree, checkpoints, publisher, origins),
        checkpoints,
        publisher,
        signer,
        mark,
      ),
    newOrigin: new NewOrigin(
      parts.settings,
      parts.clock,
      parts.ids,
      parts.transactions,
      parts.inbox,
      checkpoints,
      publisher,
      origins,
      new LogRepair(parts.clock, parts.ids, parts.inbox, parts.tree),
      signer,
      mark,
    ),
    origins,
    stop: async () => {
      await session.stop();
      await client.close();
      await parts.stop();
      await rm(directory, { recursive: true });
    },
  };
}

function withOverlap({ values }: Settings, overlapHours: number): Settings {
  const { log } = values.audit;
  const signing = log.signing && { ...log.signing, overlapHours };
  return { values: { ...values, audit: { ...values.audit, log: { ...log, signing } } } };
}
