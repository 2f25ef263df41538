import { z } from 'zod';
import { VaultInventory, type FoundToken } from '../lease/reconcile/vault-inventory.js';
import { listAnswer, readAnswer } from './answers.js';
import type { VaultCall, VaultClient } from './vault-client.js';
import type { LeaseTokenNames } from './vault-credential-source.js';
import { VaultError } from './vault-error.js';
import { vaultPath } from './vault-path.js';
import type { VaultSession } from './vault-session.js';

const healthAnswer = z.object({ server_time_utc: z.number().int() });
const leaseAnswer = z.object({ data: z.object({ issue_time: z.string() }) });
const tokenAnswer = z.object({
  data: z.object({
    path: z.string(),
    creation_time: z.number().int(),
    meta: z.record(z.string(), z.string()).nullish(),
  }),
});

/** Vault or OpenBao as reconciliation looks at it. Reads only. */
export class VaultLeaseInventory extends VaultInventory {
  constructor(
    private readonly client: VaultClient,
    private readonly session: VaultSession,
    private readonly names: LeaseTokenNames,
  ) {
    super();
  }

  async serverTime(): Promise<Date> {
    const call = { operation: 'server_time', method: 'GET', path: 'sys/health', namespaced: false } as const;
    const query = { standbyok: 'true', perfstandbyok: 'true' };
    const { server_time_utc: seconds } = readAnswer(
      healthAnswer,
      await this.client.call({ ...call, query }),
      'server_time',
    );
    // Whole seconds, cut off: the middle of that second is the best guess.
    return new Date(seconds * 1_000 + 500);
  }

  async leaseIssuedAt(vaultLeaseId: string): Promise<Date | undefined> {
    const answer = await this.#lookUp('invalid lease', {
      operation: 'lookup_lease',
      method: 'POST',
      path: 'sys/leases/lookup',
      body: { lease_id: vaultLeaseId },
    });
    if (answer === undefined) return undefined;
    const issuedAt = new Date(readAnswer(leaseAnswer, answer, 'lookup_lease').data.issue_time);
    if (!Number.isNaN(issuedAt.getTime())) return issuedAt;
    throw new VaultError('vault_refused', { operation: 'lookup_lease', reason: 'issue_time is not a time' });
  }

  async listAccessors(): Promise<readonly string[]> {
    const operation = 'list_accessors';
    const answer = await this.session.use((token) =>
      this.client.call({ operation, method: 'LIST', path: 'auth/token/accessors', token }),
    );
    return readAnswer(listAnswer, answer, operation).data.keys;
  }

  async describeToken(accessor: string): Promise<FoundToken | undefined> {
    const answer = await this.#lookUp('invalid accessor', {
      operation: 'lookup_accessor',
      method: 'POST',
      path: 'auth/token/lookup-accessor',
      body: { accessor },
    });
    if (answer === undefined) return undefined;
    const { path, creation_time: seconds, meta } = readAnswer(tokenAnswer, answer, 'lookup_accessor').data;
    return {
      ofLease: path === vaultPath('auth/token/create', this.names.leaseTokenRole),
      leaseId: meta?.['lease_id'],
      createdAt: new Date(seconds * 1_000),
    };
  }

  /** Undefined only where Vault says in its own words that it does not know the thing. */
  async #lookUp(gone: string, call: VaultCall): Promise<unknown> {
    try {
      return await this.session.use((token) => this.client.call({ ...call, token }));
    } catch (error) {
      const known = error instanceof VaultError && [400, 403, 404].includes(error.httpStatus ?? 0);
      if (known && error.says(gone)) return undefined;
      throw error;
    }
  }
}
