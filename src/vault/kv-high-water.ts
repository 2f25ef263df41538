import { z } from 'zod';
import { AuditHighWater, type HighWaterMark, type MarkRead } from '../audit/log/audit-high-water.js';
import { readAnswer } from './answers.js';
import type { VaultClient } from './vault-client.js';
import { VaultError } from './vault-error.js';
import { vaultPath } from './vault-path.js';
import type { VaultSession } from './vault-session.js';

/** Where the mark is. */
export interface KvPlace {
  readonly mount: string;
  readonly path: string;
}

const read = z.object({
  data: z.object({
    data: z.object({ origin: z.string(), size: z.string().regex(/^\d{1,15}$/), root: z.string() }),
    metadata: z.object({ version: z.int() }),
  }),
});
const versionAnswer = z.object({ data: z.object({ current_version: z.int() }) });
const written = z.object({ data: z.object({ version: z.int() }) });

/** The mark as a secret of Vault's KV version 2, written with check-and-set (`POST :mount/data/:path`). */
export class KvHighWater extends AuditHighWater {
  constructor(
    private readonly client: VaultClient,
    private readonly session: VaultSession,
    private readonly place: KvPlace | undefined,
  ) {
    super();
  }

  async read(): Promise<MarkRead> {
    const operation = 'read_high_water';
    try {
      const path = this.#pathOf('data');
      const answer = await this.session.use((token) =>
        this.client.call({ operation, method: 'GET', path, token }),
      );
      const { data, metadata } = readAnswer(read, answer, operation).data;
      const mark = { origin: data.origin, size: Number(data.size), root: Buffer.from(data.root, 'base64') };
      return { mark, version: metadata.version };
    } catch (error) {
      if (error instanceof VaultError && error.httpStatus === 404)
        return { mark: undefined, version: await this.#versionLeft() };
      throw error;
    }
  }

  /** What a write has to name where the mark was deleted: its last version; 0 where there never was one. */
  async #versionLeft(): Promise<number> {
    const operation = 'read_high_water';
    const path = this.#pathOf('metadata');
    try {
      const answer = await this.session.use((token) =>
        this.client.call({ operation, method: 'GET', path, token }),
      );
      return readAnswer(versionAnswer, answer, operation).data.current_version;
    } catch (error) {
      if (error instanceof VaultError && error.httpStatus === 404) return 0;
      throw error;
    }
  }

  async write({ origin, size, root }: HighWaterMark, version: number): Promise<number | undefined> {
    const operation = 'write_high_water';
    const data = { origin, size: String(size), root: root.toString('base64') };
    const path = this.#pathOf('data');
    const body = { options: { cas: version }, data };
    try {
      const answer = await this.session.use((token) =>
        this.client.call({ operation, method: 'POST', path, token, body }),
      );
      return readAnswer(written, answer, operation).data.version;
    } catch (error) {
      if (error instanceof VaultError && error.says('check-and-set')) return undefined;
      throw error;
    }
  }

  #pathOf(part: 'data' | 'metadata'): string {
    if (this.place === undefined)
      throw new VaultError('vault_refused', { operation: 'high_water', reason: 'no place is configured' });
    return vaultPath(this.place.mount, part, this.place.path);
  }
}
