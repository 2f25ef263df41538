import { Injectable } from '@nestjs/common';
import { decodeCursor, encodeCursor, type Page } from '../database/page.js';
import { Transactions } from '../database/transaction.js';
import { BrokerError } from '../kernel/broker-error.js';
import { Clock } from '../kernel/clock.js';
import { leafHash } from '../tlog/hash.js';
import { AuditInbox } from './audit-inbox.js';
import { conditionOf, type AuditFilters } from './audit-filters.js';
import { columnsOf, readEvent } from './stored-event.js';

/** One entry of the log. */
export interface AuditRecord {
  readonly index: number;
  /** The event as its leaf has it; `{ unreadable: true }` when the leaf is no JSON object. */
  readonly event: Readonly<Record<string, unknown>>;
  /** Hex. */
  readonly leafHash: string;
}

/** Where the log stands. Note it down elsewhere: a later export can be compared with it. */
export interface LogHead {
  readonly origin: string;
  /** Number of entries. */
  readonly size: number;
  /** Hex; of the tree over all entries (RFC 6962). */
  readonly rootHash: string;
}

/** What waits in the inbox. */
export interface Backlog {
  readonly count: number;
  /** Age of the oldest one; 0 when there is none. */
  readonly oldestAgeSeconds: number;
}

/** Which page, and which end of the log the first one is at. */
export interface AuditPageRequest {
  readonly limit: number;
  readonly cursor?: string | undefined;
  /** `newest` unless told. Within either, pages neither repeat nor skip an entry while the log grows. */
  readonly order?: 'newest' | 'oldest' | undefined;
}

interface Row {
  readonly idx: string;
  readonly leaf: Buffer;
}

/** Reads of the log. An event is seen once it is sequenced, within `audit.sequenceIntervalMs` as a rule. */
@Injectable()
export class AuditQuery {
  constructor(
    private readonly transactions: Transactions,
    private readonly inbox: AuditInbox,
    private readonly clock: Clock,
  ) {}

  /** Entries that all filters hold for, in the order of the log. Refuses malformed filters with `request_invalid`. */
  async list(filters: AuditFilters, page: AuditPageRequest): Promise<Page<AuditRecord>> {
    const order = page.order ?? 'newest';
    const condition = conditionOf(filters, (value) => this.inbox.hmac(value));
    const parameters = [...condition.parameters];
    const clauses = [condition.sql];
    if (page.cursor !== undefined) {
      parameters.push(indexOf(page.cursor, order));
      clauses.push(`idx ${order === 'newest' ? '<' : '>'} $${parameters.length}::bigint`);
    }
    parameters.push(page.limit + 1);
    const rows = await this.transactions.reads.query<Row[]>(
      `SELECT idx, leaf FROM audit_entry WHERE ${clauses.join(' AND ')}
       ORDER BY idx ${order === 'newest' ? 'DESC' : 'ASC'} LIMIT $${parameters.length}`,
      parameters,
    );
    const items = rows.slice(0, page.limit).map(recordOf);
    const last = items.at(-1);
    const more = rows.length > page.limit && last !== undefined;
    return { items, nextCursor: more ? encodeCursor([order, last.index]) : null };
  }

  /** The head of the log. */
  async head(): Promise<LogHead> {
    const [head] = await this.transactions.reads.query<{ origin: string; size: string; root_hash: Buffer }[]>(
      'SELECT origin, size, root_hash FROM audit_head',
    );
    if (head === undefined) throw new Error('the log has no head');
    return { origin: head.origin, size: Number(head.size), rootHash: head.root_hash.toString('hex') };
  }

  /** What waits to be sequenced; for `/metrics` and readiness. */
  async backlog(): Promise<Backlog> {
    const [row] = await this.transactions.reads.query<{ count: string; oldest: Buffer | null }[]>(
      `SELECT (SELECT count(*) FROM audit_inbox) AS count, (SELECT leaf FROM audit_inbox ORDER BY seq LIMIT 1) AS oldest`,
    );
    const occurredAt = row?.oldest ? columnsOf(row.oldest).occurredAt : undefined;
    const ageMs = occurredAt === undefined ? 0 : this.clock.now().getTime() - Date.parse(occurredAt);
    return { count: Number(row?.count ?? 0), oldestAgeSeconds: Math.max(0, ageMs / 1_000) };
  }
}

function recordOf(row: Row): AuditRecord {
  return {
    index: Number(row.idx),
    event: readEvent(row.leaf) ?? { unreadable: true },
    leafHash: leafHash(row.leaf).toString('hex'),
  };
}

function indexOf(cursor: string, order: string): number {
  const [of, index] = decodeCursor(cursor, 2);
  if (of !== order || typeof index !== 'number' || !Number.isSafeInteger(index)) {
    throw new BrokerError('request_invalid', { field: 'cursor', detail: 'is not a cursor of this list' });
  }
  return index;
}
