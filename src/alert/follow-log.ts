import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../audit/audit-inbox.js';
import { AuditQuery, type AuditRecord } from '../audit/audit-query.js';
import { Transactions, type Tx } from '../database/transaction.js';
import { systemCaller } from '../kernel/caller.js';
import { Clock } from '../kernel/clock.js';
import { Ids } from '../kernel/ids.js';
import { Log } from '../kernel/log.js';
import { AlertRules } from './alert-rules.js';
import { addEvents, type FoundEvents } from './alert-rows.js';
import { findGroups, overflowing } from './found-groups.js';

/** Entries of the log that one step goes over, and of those that rules may be about. */
const STRETCH = 10_000;
const PAGE = 1_000;
/** Alerts of one rule that may fire at once: whoever can vary a label must not be able to flood the channels. */
const MOST_GROUPS = 100;

/** Follows the audit log and raises alerts. What a step found and how far it read are one transaction. */
@Injectable()
export class FollowLog {
  readonly #complained = new Set<string>();

  constructor(
    private readonly rules: AlertRules,
    private readonly query: AuditQuery,
    private readonly audit: AuditInbox,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly log: Log,
  ) {}

  /** Goes on from where the last step ended, by one stretch; answers how many entries that were, 0 at the end. */
  async step(): Promise<number> {
    const [cursor] = await this.transactions.reads.query<{ next_index: string }[]>(
      'SELECT next_index FROM alert_cursor',
    );
    if (cursor === undefined) throw new Error('the alerts have no cursor');
    const from = Number(cursor.next_index);
    const { size } = await this.query.head();
    const end = Math.min(size, from + STRETCH);
    if (end <= from) return 0;
    const { records, to } = await this.read(from, end);
    const now = this.clock.now();
    const found = findGroups(
      this.rules.all,
      records,
      (record) => timeOf(record, now),
      (rule, error) => this.complain(rule, error),
    );
    const moved = await this.transactions.run(async (tx) => {
      // Compared and set: where another replica has taken this stretch already, what was found here is dropped.
      const [rows] = await tx.query<[unknown[], number]>(
        'UPDATE alert_cursor SET next_index = $2 WHERE next_index = $1 RETURNING 1',
        [from, to],
      );
      if (rows.length === 0) return false;
      for (const group of found) await this.raise(tx, group, now);
      return true;
    });
    return moved ? to - from : 0;
  }

  /** Raises what the rules say to an event that does not come by the log, because that stands still. */
  async raiseOutside(tx: Tx, record: AuditRecord): Promise<void> {
    const now = this.clock.now();
    const found = findGroups(
      this.rules.all,
      [record],
      () => now,
      (rule, error) => this.complain(rule, error),
    );
    for (const group of found) await this.raise(tx, group, now);
  }

  private async read(from: number, end: number): Promise<{ records: readonly AuditRecord[]; to: number }> {
    if (this.rules.kinds.length === 0) return { records: [], to: end };
    const { items, nextCursor } = await this.query.list(
      { kinds: this.rules.kinds, fromIndex: from, toIndex: end },
      { limit: PAGE, order: 'oldest' },
    );
    const last = items.at(-1);
    return { records: items, to: nextCursor === null || last === undefined ? end : last.index + 1 };
  }

  private async raise(tx: Tx, found: FoundEvents, now: Date): Promise<void> {
    const group = (await this.crowded(tx, found)) ? overflowing(found) : found;
    const id = this.ids.uuid();
    if (!(await addEvents(tx, id, group, now))) return;
    await this.audit.append(
      tx,
      'alert.fired',
      { caller: systemCaller('alerts', id) },
      { alert_id: id, rule: group.rule, severity: group.severity, labels: group.labels },
    );
  }

  private async crowded(tx: Tx, { rule, key }: FoundEvents): Promise<boolean> {
    const [row] = await tx.query<{ others: number; known: boolean }[]>(
      `SELECT count(*)::int AS others, coalesce(bool_or(group_key = $2), false) AS known
       FROM alerts WHERE rule = $1 AND state = 'firing'`,
      [rule, key],
    );
    return row !== undefined && !row.known && row.others >= MOST_GROUPS;
  }

  private complain(rule: string, error: string): void {
    const key = `${rule}: ${error}`;
    // Once each: the expression fails alike for every event that comes.
    if (this.#complained.has(key) || this.#complained.size > 1_000) return;
    this.#complained.add(key);
    this.log.warn({ rule, error }, 'an alert rule could not be evaluated');
  }
}

function timeOf(record: AuditRecord, otherwise: Date): Date {
  const time = record.event['time'];
  const at = typeof time === 'string' ? new Date(time) : otherwise;
  return Number.isNaN(at.getTime()) ? otherwise : at;
}
