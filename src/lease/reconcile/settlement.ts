import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../../audit/audit-inbox.js';
import { Transactions } from '../../database/transaction.js';
import { systemCaller } from '../../kernel/caller.js';
import { crashPoint } from '../../kernel/crash-point.js';
import { Ids } from '../../kernel/ids.js';
import { CredentialSource } from '../credential-source.js';
import { NOT_ENDED } from '../lease-row.js';
import { RevocationRequests } from '../revocation-requests.js';

const NAME = 'reconcile-vault';

/** How differences are settled. Each is safe to repeat, and looks once more before it does anything. */
@Injectable()
export class Settlement {
  constructor(
    private readonly source: CredentialSource,
    private readonly transactions: Transactions,
    private readonly requests: RevocationRequests,
    private readonly audit: AuditInbox,
    private readonly ids: Ids,
  ) {}

  /** Marks a lease that Vault has lost for revocation, so that whatever is left of it ends too. */
  async markLost(leaseId: string, what: 'lease' | 'token'): Promise<boolean> {
    crashPoint('reconcile.lost.found');
    const caller = systemCaller(NAME, this.ids.uuid());
    const marked = await this.transactions.run(async (tx) => {
      const marked = await this.requests.request(tx, { leaseIds: [leaseId] }, { cause: 'lost', caller });
      await this.requests.recordAll(tx, 'lease.lost', marked, caller, () => ({
        detail: `Vault does not know its ${what}`,
      }));
      return marked.length > 0;
    });
    crashPoint('reconcile.lost.marked');
    return marked;
  }

  /**
   * Revokes a lease of Vault that no row knows. Records what was found, then ends it, then records that: what fails in
   * between was told all the same.
   */
  async revokeLease(vaultLease: string, credential: string, mount: string): Promise<boolean> {
    // A replica that froze between looking and this may find that somebody has claimed it since.
    if (await this.known('vault_lease_id', vaultLease)) return false;
    const context = { caller: systemCaller(NAME, this.ids.uuid()), credential };
    const found = { mount, vault_lease: vaultLease };
    const before = { ...context, outcome: 'failure' } as const;
    await this.audit.record('lease.unknown_found', before, { ...found, revoked: false });
    crashPoint('reconcile.unknown.found');
    await this.source.revokeLease(vaultLease);
    crashPoint('reconcile.unknown.revoked');
    await this.audit.record('lease.unknown_found', context, { ...found, revoked: true });
    return true;
  }

  /** Revokes a token of a lease that no row knows, as {@link revokeLease} does. */
  async revokeToken(accessor: string): Promise<boolean> {
    if (await this.known('accessor', accessor)) return false;
    const context = { caller: systemCaller(NAME, this.ids.uuid()) };
    const before = { ...context, outcome: 'failure' } as const;
    await this.audit.record('token.unknown_found', before, { accessor, revoked: false });
    await this.source.revokeAccessor(accessor);
    await this.audit.record('token.unknown_found', context, { accessor, revoked: true });
    return true;
  }

  private async known(column: 'vault_lease_id' | 'accessor', value: string): Promise<boolean> {
    const rows = await this.transactions.reads.query<unknown[]>(
      `SELECT 1 FROM leases WHERE ${column} = $1 AND ${NOT_ENDED} LIMIT 1`,
      [value],
    );
    return rows.length > 0;
  }
}
