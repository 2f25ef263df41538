import { Injectable } from '@nestjs/common';
import { decodeCursor, pageOf, type Page } from '../../database/page.js';
import { Transactions, type Tx } from '../../database/transaction.js';
import { BrokerError } from '../../kernel/broker-error.js';
import { actorName, type Caller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import { Ids, isUuid } from '../../kernel/ids.js';
import { conditionOf } from '../audit-filters.js';
import { AuditInbox } from '../audit-inbox.js';
import { holdOf, type HoldRow, type HoldSelector, type LegalHold } from './legal-hold.js';

/** Entries of these kinds in these places. */
export interface HeldRange {
  readonly fromIndex: number;
  readonly toIndex: number;
  readonly kinds: readonly string[];
}

/** Holds on entries of the log, which beat every maximum age. */
@Injectable()
export class LegalHolds {
  constructor(
    private readonly transactions: Transactions,
    private readonly audit: AuditInbox,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Places a hold; entries that are gone by then stay gone. Refuses an empty or malformed selector with `request_invalid`. */
  place(caller: Caller, wanted: HoldSelector, reason: string): Promise<LegalHold> {
    const named = Object.entries(wanted).filter(([, value]) => value !== undefined);
    if (named.length === 0)
      throw new BrokerError('request_invalid', { field: 'selector', detail: 'selects by nothing' });
    // An account is stored as it stands in events; nobody reads it from here.
    const selector: HoldSelector = {
      ...(Object.fromEntries(named) as HoldSelector),
      ...(wanted.account !== undefined && { account: this.audit.hmac(wanted.account) }),
    };
    conditionOf(selector, (value) => value);
    return this.transactions.run(async (tx) => {
      const id = this.ids.uuid();
      const [row] = await tx.query<HoldRow[]>(
        `INSERT INTO legal_holds (id, selector, reason, placed_at, placed_by) VALUES ($1, $2, $3, $4, $5) RETURNING *`,
        [id, JSON.stringify(selector), reason, this.clock.now(), actorName(caller.actor)],
      );
      const selects = named.map(([name]) => name);
      await this.audit.append(
        tx,
        'legal_hold.placed',
        { caller },
        { hold_id: id, selects_by: selects, reason },
      );
      return holdOf(row as HoldRow);
    });
  }

  /** Lifts a hold; `not_found` when there is none, `state_transition_refused` when it was lifted before. */
  lift(caller: Caller, id: string, reason: string): Promise<LegalHold> {
    return this.transactions.run(async (tx) => {
      const [hold] = isUuid(id)
        ? await tx.query<HoldRow[]>('SELECT * FROM legal_holds WHERE id = $1 FOR UPDATE', [id])
        : [];
      if (hold === undefined) throw new BrokerError('not_found', { detail: 'no legal hold of this id' });
      if (hold.lifted_at !== null)
        throw new BrokerError('state_transition_refused', { detail: 'the hold is lifted already' });
      const [rows] = await tx.query<[HoldRow[], number]>(
        `UPDATE legal_holds SET lifted_at = $2, lifted_by = $3, lifted_because = $4 WHERE id = $1 RETURNING *`,
        [id, this.clock.now(), actorName(caller.actor), reason],
      );
      await this.audit.append(tx, 'legal_hold.lifted', { caller }, { hold_id: id, reason });
      return holdOf(rows[0] as HoldRow);
    });
  }

  /** Holds, newest first; those that stand, those that were lifted, or all. */
  async list(filter: {
    readonly standing?: boolean | undefined;
    readonly limit: number;
    readonly cursor?: string | undefined;
  }): Promise<Page<LegalHold>> {
    const before = filter.cursor === undefined ? null : String(decodeCursor(filter.cursor, 1)[0]);
    const rows = await this.transactions.reads.query<HoldRow[]>(
      `SELECT * FROM legal_holds
       WHERE ($1::boolean IS NULL OR (lifted_at IS NULL) = $1) AND ($2::text IS NULL OR id::text < $2)
       ORDER BY id DESC LIMIT $3`,
      [filter.standing ?? null, before, filter.limit + 1],
    );
    return pageOf(rows.map(holdOf), filter.limit, ({ id }) => [id]);
  }

  /** Whether an entry in the database must stay. In a transaction that removes it: call {@link freeze} before. */
  async holds({ fromIndex, toIndex, kinds }: HeldRange, tx: Tx = this.transactions.reads): Promise<boolean> {
    for (const { selector } of await this.standing(tx)) {
      const condition = conditionOf(selector, (value) => value);
      const next = condition.parameters.length;
      const [row] = await tx.query<{ held: boolean }[]>(
        `SELECT EXISTS (SELECT 1 FROM audit_entry WHERE ${condition.sql} AND idx >= $${next + 1}::bigint
           AND idx < $${next + 2}::bigint AND kind = ANY($${next + 3}::text[])) AS held`,
        [...condition.parameters, fromIndex, toIndex, kinds],
      );
      if (row?.held !== false) return true;
    }
    return false;
  }

  /**
   * Whether a hold may be about entries that are only in a file, which nobody looks into: any that does not rule them out
   * by its time or by its kinds.
   */
  async mayHold(firstAt: Date, lastAt: Date, kinds: readonly string[], tx?: Tx): Promise<boolean> {
    return (await this.standing(tx)).some(
      ({ selector }) =>
        !(selector.from !== undefined && selector.from > lastAt) &&
        !(selector.to !== undefined && selector.to <= firstAt) &&
        !(selector.kinds !== undefined && !selector.kinds.some((kind) => kinds.includes(kind))),
    );
  }

  /** Nobody places a hold from here to the end of the transaction: what is not held now may be removed in it. */
  async freeze(tx: Tx): Promise<void> {
    // Whoever wants to place one waits: not for a process that stands still.
    await tx.query(`SET LOCAL idle_in_transaction_session_timeout = '3s'`);
    await tx.query('LOCK TABLE legal_holds IN SHARE MODE');
  }

  private async standing(tx: Tx = this.transactions.reads): Promise<readonly LegalHold[]> {
    return (await tx.query<HoldRow[]>('SELECT * FROM legal_holds WHERE lifted_at IS NULL')).map(holdOf);
  }
}
