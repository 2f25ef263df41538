import { Injectable } from '@nestjs/common';
import { hasCode } from '../kernel/broker-error.js';
import { systemCaller, type Caller } from '../kernel/caller.js';
import { Clock } from '../kernel/clock.js';
import { crashPoint } from '../kernel/crash-point.js';
import { Ids } from '../kernel/ids.js';
import { Log } from '../kernel/log.js';
import type { OpenedRevocation } from '../kernel/opened-revocation.js';
import { safeErrorFields } from '../kernel/safe-error.js';
import { Transactions, type Tx } from '../database/transaction.js';
import { AuditInbox } from '../audit/audit-inbox.js';
import { ActiveGrants } from './active-grants.js';
import { checkAct, type Grant, type GrantState } from './grant.js';
import { GrantEnded, type GrantEndCause } from './grant-ended.js';
import { about, because } from './grant-event.js';
import { isPast } from './grant-live.js';
import { lockGrant, readGrant } from './grant-reads.js';
import { GrantReview } from './grant-review.js';
import { moveGrant, type StoredGrant } from './grant-rows.js';

interface Ending {
  readonly act: 'suspend' | 'revoke' | 'expire';
  readonly state: GrantState;
  readonly cause: GrantEndCause;
  readonly reason?: string | undefined;
  record(tx: Tx, grant: StoredGrant): Promise<unknown>;
}

/** A grant that was stopped, and the revocation of its leases. */
export type StoppedGrant = Grant & OpenedRevocation;

/** The acts that end what hangs from a grant; part of `Grants`, which is what others call. */
@Injectable()
export class GrantEndings {
  #ended: GrantEnded | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly transactions: Transactions,
    private readonly audit: AuditInbox,
    private readonly review: GrantReview,
    private readonly active: ActiveGrants,
    private readonly log: Log,
  ) {}

  /** Registers what happens to runs and leases. */
  whenEnded(port: GrantEnded): void {
    this.#ended = port;
  }

  /** Stops a grant for now. */
  suspend(caller: Caller, idOrName: string, reason?: string): Promise<StoppedGrant> {
    return this.end(caller, idOrName, {
      act: 'suspend',
      state: 'suspended',
      cause: 'grant_suspended',
      reason,
      record: (tx, grant) => this.audit.append(tx, 'grant.suspended', about(grant, caller), because(reason)),
    });
  }

  /** Ends a grant for good. */
  revoke(caller: Caller, idOrName: string, reason?: string): Promise<StoppedGrant> {
    return this.end(caller, idOrName, {
      act: 'revoke',
      state: 'revoked',
      cause: 'grant_revoked',
      reason,
      record: (tx, grant) => this.audit.append(tx, 'grant.revoked', about(grant, caller), because(reason)),
    });
  }

  /**
   * Expires up to `limit` grants whose time is over; answers how many. Each has a transaction of its own, and one that
   * somebody else ended or prolonged meanwhile is left alone. What fails is thrown when the others are done.
   */
  async expireDue(limit: number): Promise<number> {
    const due = await this.transactions.reads.query<{ id: string }[]>(
      `SELECT id FROM grants WHERE state IN ('active', 'suspended', 'pending_approval') AND expires_at <= $1
       ORDER BY expires_at LIMIT $2`,
      [this.clock.now(), limit],
    );
    const caller = systemCaller('scheduler', this.ids.uuid());
    const failures: unknown[] = [];
    let expired = 0;
    for (const { id } of due) {
      try {
        await this.expire(caller, id);
        expired += 1;
      } catch (error) {
        if (error instanceof NotDue || hasCode(error, 'state_transition_refused')) continue;
        failures.push(error);
        this.log.error({ grant_id: id, ...safeErrorFields(error) }, 'a grant could not be expired');
      }
    }
    if (failures.length > 0)
      throw new AggregateError(failures, `${failures.length} grants could not be expired`);
    return expired;
  }

  private expire(caller: Caller, id: string): Promise<Grant> {
    return this.end(caller, id, {
      act: 'expire',
      state: 'expired',
      cause: 'grant_expired',
      record: (tx, grant) => {
        // It was due when it was found; a change may have given it more time since.
        if (grant.expiresAt === null || !isPast(grant, this.clock.now())) throw new NotDue();
        const data = { expired_at: grant.expiresAt.toISOString() };
        return this.audit.append(tx, 'grant.expired', about(grant, caller), data);
      },
    });
  }

  private async end(caller: Caller, idOrName: string, ending: Ending): Promise<StoppedGrant> {
    const port = this.#ended;
    if (port === undefined) throw new Error('nothing is registered that would end runs and leases');
    const grant = await this.transactions.run(async (tx) => {
      const before = await lockGrant(tx, idOrName);
      checkAct(ending.act, before.state);
      await moveGrant(tx, before.id, ending.state, this.clock.now());
      await ending.record(tx, before);
      const { id: grantId, name: grantName } = before;
      const { cause, reason } = ending;
      const opened = await port.during(tx, { grantId, grantName, cause, caller, reason });
      crashPoint('grant.end.before-commit');
      const [after] = await this.review.warned(tx, [await readGrant(tx, grantId)]);
      if (after === undefined) throw new Error('a grant got lost');
      return { ...after, ...opened };
    });
    crashPoint('grant.end.committed');
    this.active.forget();
    await port
      .after({ ...grant, grantId: grant.id })
      .catch((error: unknown) =>
        this.log.warn(
          { grant: grant.name, ...safeErrorFields(error) },
          'revocations are left to the scheduler',
        ),
      );
    return grant;
  }
}

class NotDue extends Error {}
