import { z } from 'zod';
import { CheckpointSigner, type SigningKey } from '../audit/log/checkpoint-signer.js';
import { readAnswer } from './answers.js';
import type { VaultClient } from './vault-client.js';
import { VaultError } from './vault-error.js';
import { vaultPath } from './vault-path.js';
import type { VaultSession } from './vault-session.js';

/** Where the key of the log is. */
export interface TransitKey {
  readonly mount: string;
  readonly name: string;
}

const keyAnswer = z.object({
  data: z.object({
    type: z.string(),
    min_encryption_version: z.number().default(0),
    keys: z.record(
      z.string(),
      z.object({ public_key: z.string(), creation_time: z.iso.datetime({ offset: true }) }),
    ),
  }),
});
const signAnswer = z.object({ data: z.object({ signature: z.string() }) });

/** Signs with a key of Vault's transit engine (`GET transit/keys/:name`, `POST transit/sign/:name`). */
export class TransitSigner extends CheckpointSigner {
  constructor(
    private readonly client: VaultClient,
    private readonly session: VaultSession,
    private readonly key: TransitKey | undefined,
  ) {
    super();
  }

  async keys(): Promise<readonly SigningKey[]> {
    const path = vaultPath(this.#key.mount, 'keys', this.#key.name);
    const operation = 'read_log_key';
    const answer = await this.session.use((token) =>
      this.client.call({ operation, method: 'GET', path, token }),
    );
    const { data } = readAnswer(keyAnswer, answer, operation);
    if (data.type !== 'ed25519')
      throw new VaultError('vault_refused', {
        operation,
        reason: 'the key of the log is not of type ed25519',
      });
    return Object.entries(data.keys)
      .map(([version, { public_key: key, creation_time: created }]) => ({
        version: Number(version),
        publicKey: Buffer.from(key, 'base64'),
        createdAt: new Date(created),
      }))
      .filter(({ version }) => version >= data.min_encryption_version)
      .sort((a, b) => b.version - a.version);
  }

  async sign(text: string, version: number): Promise<Buffer> {
    const path = vaultPath(this.#key.mount, 'sign', this.#key.name);
    const operation = 'sign_checkpoint';
    const body = { input: Buffer.from(text).toString('base64'), key_version: version };
    const answer = await this.session.use((token) =>
      this.client.call({ operation, method: 'POST', path, token, body }),
    );
    const { signature } = readAnswer(signAnswer, answer, operation).data;
    return Buffer.from(signature.split(':').at(-1) ?? '', 'base64');
  }

  get #key(): TransitKey {
    if (this.key === undefined)
      throw new VaultError('vault_refused', { operation: 'sign_checkpoint', reason: 'no key is configured' });
    return this.key;
  }
}
