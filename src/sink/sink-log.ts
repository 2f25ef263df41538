import { Injectable } from '@nestjs/common';
import { SinkDatabase } from './sink-database.js';
import { sinkEventOf, type SinkEvent } from './sink-event.js';

/** Entries that one page goes over at most while it looks for those of a filter. */
const STRETCH = 10_000;
/** Bytes of leaves in memory for one sink; a page has at least one entry. */
const PAGE_BYTES = 4_194_304;

/** A page of the log for a sink. */
export interface SinkPage {
  readonly events: readonly SinkEvent[];
  /** Where the next page begins once all of them are delivered. */
  readonly to: number;
  /** Entries before this index are in the database no more, and were not delivered; as a rule where the page begins. */
  readonly first: number;
}

/** Reads the log for sinks, by the dense index. */
@Injectable()
export class SinkLog {
  #origin: { readonly value: string; readonly size: number } | undefined;

  constructor(private readonly database: SinkDatabase) {}

  /** The origin of the log and its size. */
  async head(): Promise<{ readonly origin: string; readonly size: number }> {
    const [row] = await this.database.query<{ origin: string; size: string }>(
      'SELECT origin, size FROM audit_head',
    );
    if (row === undefined) throw new Error('the log has no head');
    this.#origin = { value: row.origin, size: Number(row.size) };
    return { origin: row.origin, size: Number(row.size) };
  }

  /** The origin as of the page that was read last. */
  readonly origin = async (): Promise<string> => this.#origin?.value ?? (await this.head()).origin;

  /** At most `limit` events from the index on; undefined at the end of the log. */
  async page(
    from: number,
    limit: number,
    kinds: readonly string[] | undefined,
  ): Promise<SinkPage | undefined> {
    const { size } = await this.head();
    if (from >= size) return undefined;
    const [oldest] = await this.database.query<{ idx: string }>(
      'SELECT idx FROM audit_entry WHERE idx >= $1::bigint ORDER BY idx LIMIT 1',
      [from],
    );
    const first = oldest === undefined ? size : Number(oldest.idx);
    if (first > from) return { events: [], to: first, first };
    const end = Math.min(size, from + STRETCH);
    const rows = await this.database.query<{ idx: string; leaf: Buffer; found: string }>(
      `SELECT idx, leaf, found FROM (
         SELECT idx, leaf, count(*) OVER () AS found,
           sum(length(leaf)) OVER (ORDER BY idx) - length(leaf) AS bytes_before
         FROM (SELECT idx, leaf FROM audit_entry WHERE idx >= $1::bigint AND idx < $2::bigint
             AND ($3::text[] IS NULL OR kind = ANY($3)) ORDER BY idx LIMIT $4) AS page) AS counted
       WHERE bytes_before < $5 ORDER BY idx`,
      [from, end, kinds ?? null, limit, PAGE_BYTES],
    );
    const events = rows.map(({ idx, leaf }) => sinkEventOf(Number(idx), leaf));
    const last = events.at(-1);
    const whole = Number(rows[0]?.found ?? 0) < limit && rows.length === Number(rows[0]?.found ?? 0);
    return { events, to: whole || last === undefined ? end : last.index + 1, first };
  }
}
