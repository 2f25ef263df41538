import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { startChild, type Child } from './child.js';
import { freePort } from './free-port.js';
import { MissingPart } from './missing-part.js';
import type { Reaper } from './reaper.js';
import { VaultOperator } from './vault-operator.js';
import type { VaultSource } from './vault-source.js';

/** A server as it is in the field: on storage that outlives it, sealed until somebody unseals it. */
export interface VaultNode {
  readonly address: string;
  readonly child: Child;
}

/** TLS files of a node's listener. */
export interface NodeTls {
  readonly certFile: string;
  readonly keyFile: string;
  /** CA that clients need a certificate of; none is asked for without it. */
  readonly clientCaFile?: string;
}

/** Starts one node with raft storage in a folder of its own; it is neither initialised nor part of a cluster yet. */
export async function startVaultNode(reaper: Reaper, source: VaultSource, tls?: NodeTls): Promise<VaultNode> {
  if (source.kind !== 'binary')
    throw new MissingPart(
      'vault',
      'Servers with storage are started from a program: set LEASEGATE_VAULT_BIN.',
    );
  const folder = await reaper.directory('vault-node');
  const [port, clusterPort] = [await freePort(), await freePort()];
  const address = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  const config = {
    disable_mlock: true,
    ...(source.pluginDirectory === undefined ? {} : { plugin_directory: source.pluginDirectory }),
    api_addr: address,
    cluster_addr: `https://127.0.0.1:${clusterPort}`,
    storage: { raft: { path: folder, node_id: String(port), performance_multiplier: 1 } },
    listener: {
      tcp: {
        address: `127.0.0.1:${port}`,
        cluster_address: `127.0.0.1:${clusterPort}`,
        ...listenerTls(tls),
      },
    },
  };
  await writeFile(join(folder, 'config.json'), JSON.stringify(config));
  const child = await startChild(reaper, {
    name: 'a node of Vault',
    command: source.path,
    args: ['server', `-config=${join(folder, 'config.json')}`, '-log-level=warn'],
    env: { PATH: process.env['PATH'] ?? '', HOME: folder },
    ready: (output) => output.includes('server started!'),
    deadlineMs: 120_000,
    logFile: join(folder, 'log'),
  });
  return { address, child };
}

function listenerTls(tls: NodeTls | undefined): Readonly<Record<string, unknown>> {
  if (tls === undefined) return { tls_disable: true };
  return {
    tls_cert_file: tls.certFile,
    tls_key_file: tls.keyFile,
    ...(tls.clientCaFile === undefined
      ? {}
      : { tls_require_and_verify_client_cert: true, tls_client_ca_file: tls.clientCaFile }),
  };
}

/** Two nodes of one cluster. */
export interface VaultPair {
  readonly nodes: readonly [VaultNode, VaultNode];
  /** The operator at the first node, which is the active one at first. */
  readonly operator: VaultOperator;
  readonly unsealKey: string;
}

/** Starts two nodes, initialises and unseals them; the first is active and the second a standby. */
export async function startVaultPair(reaper: Reaper, source: VaultSource): Promise<VaultPair> {
  const nodes = [await startVaultNode(reaper, source), await startVaultNode(reaper, source)] as const;
  const [first, second] = nodes;
  const { keys, root_token: token } = (await put(first, 'init', {
    secret_shares: 1,
    secret_threshold: 1,
  })) as {
    keys: readonly [string];
    root_token: string;
  };
  const [unsealKey] = keys;
  // Only a node that has become active lets others join.
  await startsToServe(first, unsealKey, '');
  await put(second, 'storage/raft/join', { leader_api_addr: first.address });
  // A node that joins is told of the seal by the active one, and takes a moment to be unsealed.
  await startsToServe(second, unsealKey, '?standbyok=true&perfstandbyok=true');
  return { nodes, operator: new VaultOperator(first.address, token), unsealKey };
}

/** Unseals a node that needs one key. */
export async function unseal(node: VaultNode, key: string): Promise<void> {
  await put(node, 'unseal', { key });
}

/** Unseals a node again and again until it serves; it may need to hear from the others first. */
async function startsToServe(node: VaultNode, key: string, health: string): Promise<void> {
  const deadlineMs = performance.now() + 120_000;
  for (;;) {
    const answer = await unseal(node, key).then(
      () => fetch(`${node.address}/v1/sys/health${health}`),
      () => undefined,
    );
    if (answer?.status === 200) return;
    if (performance.now() > deadlineMs) throw new Error('a node of Vault did not begin to serve');
    await wait(200);
  }
}

async function put({ address }: VaultNode, path: string, body: object): Promise<unknown> {
  const answer = await fetch(`${address}/v1/sys/${path}`, { method: 'PUT', body: JSON.stringify(body) });
  if (!answer.ok) throw new Error(`a node of Vault answered ${answer.status} to ${path}`);
  return answer.json();
}
