import { z } from 'zod';
import { LRUCache } from 'lru-cache';
import { AccessorHasher } from '../gateway/shadow/accessor-hasher.js';
import { Secret } from '../kernel/secret.js';
import { readAnswer } from './answers.js';
import type { VaultClient } from './vault-client.js';
import { vaultPath } from './vault-path.js';
import type { VaultSession } from './vault-session.js';

const OPERATION = 'audit_hash';
const REMEMBERED = 20_000;
const hashAnswer = z.object({ data: z.object({ hash: z.string().regex(/^hmac-sha256:[0-9a-f]{64}$/) }) });

/** Hashes as an audit device does (`POST sys/audit-hash/:path`). What was asked is remembered, within bounds. */
export class AuditDeviceHasher extends AccessorHasher {
  readonly #known = new LRUCache<string, string>({ max: REMEMBERED });

  constructor(
    private readonly client: VaultClient,
    private readonly session: VaultSession,
  ) {
    super();
  }

  async hash(value: string, device: string | undefined): Promise<string | undefined> {
    if (device === undefined) return undefined;
    const key = `${device} ${value}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const path = vaultPath('sys/audit-hash', device);
    const body = { input: Secret.of(value) };
    const answer = await this.session.use((token) =>
      this.client.call({ operation: OPERATION, method: 'POST', path, token, body }),
    );
    const { hash } = readAnswer(hashAnswer, answer, OPERATION).data;
    this.#known.set(key, hash);
    return hash;
  }
}
