import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Reaper } from '../reaper.js';
import { startVaultNode, unseal, type VaultNode } from '../vault-nodes.js';
import { VaultOperator } from '../vault-operator.js';
import type { VaultSource } from '../vault-source.js';

const PLUGIN = 'postgresql-database-plugin';
const BACK_WITHIN_MS = 60_000;

/** One Vault on raft storage, which can be put back to what it was. */
export class StoredVault {
  private constructor(
    private readonly node: VaultNode,
    private readonly unsealKey: string,
    readonly operator: VaultOperator,
  ) {}

  /** Starts it, initialises and unseals it. */
  static async start(reaper: Reaper, source: VaultSource): Promise<StoredVault> {
    const node = await startVaultNode(reaper, source);
    const shares = { secret_shares: 1, secret_threshold: 1 };
    const answer = await fetch(`${node.address}/v1/sys/init`, {
      method: 'PUT',
      body: JSON.stringify(shares),
    });
    const made = (await answer.json()) as { keys: readonly [string]; root_token: string };
    const vault = new StoredVault(node, made.keys[0], new VaultOperator(node.address, made.root_token));
    await vault.open();
    if (source.kind === 'binary' && source.pluginDirectory !== undefined) {
      const program = await readFile(join(source.pluginDirectory, PLUGIN));
      const sha256 = createHash('sha256').update(program).digest('hex');
      await vault.operator.call('PUT', `sys/plugins/catalog/database/${PLUGIN}`, { sha256, command: PLUGIN });
    }
    return vault;
  }

  /** All that it knows, as `vault operator raft snapshot save` gets it. */
  async snapshot(): Promise<Uint8Array> {
    const answer = await this.fetch('GET');
    return new Uint8Array(await answer.arrayBuffer());
  }

  /** Puts it back, as `vault operator raft snapshot restore` does, and waits until it works again. */
  async restore(snapshot: Uint8Array): Promise<void> {
    await this.fetch('POST', snapshot);
    await this.open();
  }

  async stop(): Promise<void> {
    await this.node.child.stop();
  }

  private async fetch(method: 'GET' | 'POST', body?: Uint8Array): Promise<Response> {
    const answer = await fetch(`${this.node.address}/v1/sys/storage/raft/snapshot`, {
      method,
      headers: { 'x-vault-token': this.operator.token },
      ...(body === undefined ? {} : { body }),
      signal: AbortSignal.timeout(BACK_WITHIN_MS),
    });
    if (!answer.ok) throw new Error(`Vault answered ${answer.status} to a snapshot: ${await answer.text()}`);
    return answer;
  }

  /** Unseals it where that is needed, and waits until it answers as the active node. */
  private async open(): Promise<void> {
    const deadline = performance.now() + BACK_WITHIN_MS;
    for (;;) {
      const health = await fetch(`${this.node.address}/v1/sys/health`).catch(() => undefined);
      if (health?.status === 200 && (await this.answers())) return;
      if (health?.status === 503) await unseal(this.node, this.unsealKey).catch(() => undefined);
      if (performance.now() > deadline) throw new Error('Vault did not come back');
      await pause(100);
    }
  }

  private answers(): Promise<boolean> {
    return this.operator.call('GET', 'sys/mounts').then(
      () => true,
      () => false,
    );
  }
}
