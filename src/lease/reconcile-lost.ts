import { Injectable } from '@nestjs/common';
import { Transactions } from '../database/transaction.js';
import { systemCaller } from '../kernel/caller.js';
import { Clock } from '../kernel/clock.js';
import { crashPoint } from '../kernel/crash-point.js';
import { Ids } from '../kernel/ids.js';
import { CredentialSource } from './credential-source.js';
import { RevocationRequests } from './revocation-requests.js';

/** Leases this close to their expiry are left to it: Vault may have ended them a moment early. */
const NEAR_EXPIRY_MS = 5_000;
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

interface Sampled {
  readonly id: string;
  readonly accessor: string;
  readonly vault_lease_id: string | null;
}

/** Finds leases that are active here and that Vault does not know: its storage was restored, or somebody revoked them. */
@Injectable()
export class LostLeases {
  #after = BEFORE_ALL;

  constructor(
    private readonly source: CredentialSource,
    private readonly transactions: Transactions,
    private readonly requests: RevocationRequests,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /**
   * Looks at the next `limit` active leases, round and round; answers how many were lost. Those are marked for
   * revocation, so that whatever is left of them in Vault ends too.
   */
  async run(limit: number, signal: AbortSignal): Promise<number> {
    const sample = await this.sample(limit);
    this.#after = sample.length < limit ? BEFORE_ALL : (sample.at(-1)?.id ?? BEFORE_ALL);
    let lost = 0;
    for (const { id, accessor, vault_lease_id: vaultLeaseId } of sample) {
      if (signal.aborted) break;
      const presence =
        vaultLeaseId === null
          ? await this.source.lookUpAccessor(accessor)
          : await this.source.lookUpLease(vaultLeaseId);
      if (presence !== 'gone') continue;
      crashPoint('reconcile.lost.found');
      if (await this.mark(id, vaultLeaseId === null ? 'token' : 'lease')) lost += 1;
      crashPoint('reconcile.lost.marked');
    }
    return lost;
  }

  private sample(limit: number): Promise<Sampled[]> {
    const expiringAfter = new Date(this.clock.now().getTime() + NEAR_EXPIRY_MS);
    return this.transactions.reads.query<Sampled[]>(
      `SELECT id, accessor, vault_lease_id FROM leases
       WHERE state = 'active' AND expires_at > $1 AND id > $2 ORDER BY id LIMIT $3`,
      [expiringAfter, this.#after, limit],
    );
  }

  private mark(id: string, what: string): Promise<boolean> {
    const caller = systemCaller('reconcile-vault', this.ids.uuid());
    return this.transactions.run(async (tx) => {
      const marked = await this.requests.request(tx, { leaseIds: [id] }, { cause: 'lost', caller });
      await this.requests.recordAll(tx, 'lease.lost', marked, caller, () => ({
        detail: `Vault does not know its ${what}`,
      }));
      return marked.length > 0;
    });
  }
}
