import { Injectable } from '@nestjs/common';
import { Transactions } from '../database/transaction.js';
import { systemCaller } from '../kernel/caller.js';
import { crashPoint } from '../kernel/crash-point.js';
import { Ids } from '../kernel/ids.js';
import { RevocationHold } from './hold.js';
import { RevocationRequests } from './revocation-requests.js';

/** Ends leases whose time is up. Vault ends them by itself too; this is what proves it and tells. */
@Injectable()
export class LeaseExpiry {
  constructor(
    private readonly transactions: Transactions,
    private readonly requests: RevocationRequests,
    private readonly hold: RevocationHold,
    private readonly ids: Ids,
  ) {}

  /** Marks at most `limit` leases that are past their expiry for revocation; answers how many. None while held. */
  async expireDue(limit: number): Promise<number> {
    if (await this.hold.held()) return 0;
    const caller = systemCaller('expire-leases', this.ids.uuid());
    const marked = await this.transactions.run(async (tx) => {
      const due = await this.requests.requestExpired(tx, limit, caller);
      if (due.length > 0) crashPoint('lease.expire.before-commit');
      return due;
    });
    if (marked.length > 0) crashPoint('lease.expire.marked');
    return marked.length;
  }
}
