import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { prepared, type PreparedStatement } from '../../database/prepared.js';
import { Transactions } from '../../database/transaction.js';
import { Log } from '../../kernel/log.js';
import { safeErrorFields } from '../../kernel/safe-error.js';
import { HeldCredentials } from './held-credentials.js';

/** With the time of the query, within the second after which nothing may be sent with a revoked lease. */
const EVERY_MS = 400;

const ENDING: PreparedStatement = {
  name: 'gateway.held-leases-ending',
  text: `SELECT l.id FROM unnest($1::uuid[]) AS held (id) JOIN leases l ON l.id = held.id
         WHERE (l.state || '') <> 'active'`,
};

/**
 * Sees which of the leases that this process holds were ended by somebody else: an admin, a credential that was
 * disabled, a run or grant that ended on another replica. While the database does not answer nothing is dropped, and
 * nothing is called either, since no call can be admitted.
 */
@Injectable()
export class HeldLeaseWatch implements OnApplicationBootstrap, BeforeApplicationShutdown {
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;
  #failing = false;

  constructor(
    private readonly held: HeldCredentials,
    private readonly transactions: Transactions,
    private readonly log: Log,
  ) {}

  onApplicationBootstrap(): void {
    this.#timer = setInterval(() => void this.look(), EVERY_MS).unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.#timer);
    await this.#looking;
  }

  /** Looks once; looks never overlap, and a failure is logged. */
  look(): Promise<void> {
    this.#looking ??= this.drop().finally(() => (this.#looking = undefined));
    return this.#looking;
  }

  private async drop(): Promise<void> {
    const leaseIds = this.held.leaseIds();
    if (leaseIds.length === 0) return;
    try {
      const rows = await prepared<{ id: string }>(this.transactions.reads, ENDING, [leaseIds]);
      this.held.forgetLeases(new Set(rows.map(({ id }) => id)));
      this.#failing = false;
    } catch (error) {
      if (!this.#failing)
        this.log.error(safeErrorFields(error), 'the leases of the gateway could not be looked at');
      this.#failing = true;
    }
  }
}
