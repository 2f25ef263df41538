import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../../audit/audit-inbox.js';
import { decodeCursor, pageOf, type Page } from '../../database/page.js';
import { Transactions, type Tx } from '../../database/transaction.js';
import { BrokerError } from '../../kernel/broker-error.js';
import { actorName, type Caller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import { Ids, isUuid } from '../../kernel/ids.js';
import {
  findingOf,
  RECONCILIATION_COLUMNS,
  reconciliationOf,
  type FindingRow,
  type ReconciliationRow,
} from './reconciliation-rows.js';
import type { Finding, Reconciliation, Trigger } from './reconciliation.js';

/** What a reconciliation is asked for with. */
export interface ReconciliationOrder {
  readonly dryRun: boolean;
  readonly reason?: string | undefined;
}

interface PageQuery {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** Reconciliations that were asked for, are under way or have a report. The scheduler does them, one at a time. */
@Injectable()
export class Reconciliations {
  constructor(
    private readonly transactions: Transactions,
    private readonly audit: AuditInbox,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /**
   * Asks for one; it begins within seconds where the role `scheduler` runs. One that may act settles all that it
   * finds, however much, also while revocation is held: whoever asks has looked.
   */
  ask(caller: Caller, { dryRun, reason }: ReconciliationOrder): Promise<Reconciliation> {
    return this.transactions.run(async (tx) => {
      const asked = await this.insert(tx, 'asked', dryRun, caller, reason);
      const fields = { reconciliation_id: asked.id, dry_run: dryRun, reason };
      await this.audit.append(tx, 'reconciliation.asked', { caller }, fields);
      return asked;
    });
  }

  /** Puts one on the list, inside somebody's transaction; `hold` ones only look. */
  async insert(
    tx: Tx,
    trigger: Trigger,
    dryRun: boolean,
    caller: Caller,
    reason?: string,
  ): Promise<Reconciliation> {
    const values = [
      this.ids.uuid(),
      trigger,
      dryRun,
      reason ?? null,
      this.clock.now(),
      actorName(caller.actor),
    ];
    const [row] = await tx.query<ReconciliationRow[]>(
      `INSERT INTO reconciliations (id, trigger, dry_run, state, reason, requested_at, requested_by)
       VALUES ($1, $2, $3, 'waiting', $4, $5, $6) RETURNING ${RECONCILIATION_COLUMNS}`,
      values,
    );
    if (row === undefined) throw new BrokerError('internal_error');
    return reconciliationOf(row);
  }

  /** Ends one that waits or runs; what it has settled stays settled. Refuses with `conflict` one that has ended. */
  async abort(caller: Caller, id: string): Promise<Reconciliation> {
    await this.get(id);
    return this.transactions.run(async (tx) => {
      const [rows] = await tx.query<[ReconciliationRow[], number]>(
        `UPDATE reconciliations SET state = 'aborted', finished_at = $2
         WHERE id = $1 AND state IN ('waiting', 'running') RETURNING ${RECONCILIATION_COLUMNS}`,
        [id, this.clock.now()],
      );
      if (rows[0] === undefined) throw new BrokerError('conflict', { detail: 'it has ended already' });
      await this.audit.append(tx, 'reconciliation.aborted', { caller }, { reconciliation_id: id });
      return reconciliationOf(rows[0]);
    });
  }

  /** One; refuses with `not_found`. */
  async get(id: string): Promise<Reconciliation> {
    const rows = isUuid(id) ? await this.read('id = $1', [id], 1) : [];
    if (rows[0] === undefined) throw new BrokerError('not_found');
    return rows[0];
  }

  /** The newest that only looked and came to its end since a moment. */
  async newestLook(since: Date): Promise<Reconciliation | undefined> {
    return (await this.read(`dry_run AND state = 'done' AND requested_at >= $1`, [since], 1))[0];
  }

  /** All that are kept, newest first. */
  async list({ limit, cursor }: PageQuery): Promise<Page<Reconciliation>> {
    const condition = cursor === undefined ? 'true' : 'id < $1';
    const rows = await this.read(condition, cursor === undefined ? [] : [cursorId(cursor)], limit + 1);
    return pageOf(rows, limit, ({ id }) => [id]);
  }

  /** What one found, in the order in which it was found. */
  async findings(id: string, { limit, cursor }: PageQuery): Promise<Page<Finding>> {
    await this.get(id);
    const after = cursor === undefined ? 0 : Number(decodeCursor(cursor, 1)[0]);
    if (!Number.isSafeInteger(after)) throw foreignCursor();
    const rows = await this.transactions.reads.query<FindingRow[]>(
      `SELECT seq, kind, detail, action, credential, mount, lease_id, vault_lease, account
       FROM reconciliation_findings WHERE reconciliation = $1 AND seq > $2 ORDER BY seq LIMIT $3`,
      [id, after, limit + 1],
    );
    const { items, nextCursor } = pageOf(rows, limit, ({ seq }) => [seq]);
    return { items: items.map(findingOf), nextCursor };
  }

  private async read(condition: string, values: unknown[], limit: number): Promise<Reconciliation[]> {
    const rows = await this.transactions.reads.query<ReconciliationRow[]>(
      `SELECT ${RECONCILIATION_COLUMNS} FROM reconciliations WHERE ${condition} ORDER BY id DESC LIMIT ${limit}`,
      values,
    );
    return rows.map(reconciliationOf);
  }
}

function cursorId(cursor: string): string {
  const [id] = decodeCursor(cursor, 1);
  if (typeof id === 'string' && isUuid(id)) return id;
  throw foreignCursor();
}

function foreignCursor(): BrokerError {
  return new BrokerError('request_invalid', { field: 'cursor', detail: 'is not a cursor of this list' });
}
