import { Client, DatabaseError, type QueryArrayConfig } from 'pg';
import type { Condition } from '../audit/audit-filters.js';
import { leafHash } from '../tlog/hash.js';
import type { ExportedEntry, WrittenEntries } from './export-format.js';
import { copiedRows } from './copied-rows.js';
import { firstMissing } from './entries-gone.js';
import { entryLines } from './jsonl.js';
import { linesBetween, writtenBetween } from './written-lines.js';

/** The first page; the following are as large as fit into the bytes, as the leaves before were. */
const FIRST_PAGE_ENTRIES = 250;
const MAX_PAGE_ENTRIES = 2_000;
const PAGE_BYTES = 2 * 1024 * 1024;
/** A filter that matches rarely may look through the whole log for one page. */
const PAGE_LIMIT_MS = 600_000;

const EVERYTHING: Condition = { sql: 'true', parameters: [] };

type Row = readonly [idx: string, leaf: Buffer];

/**
 * Reads entries on connections of its own, a page at a time, so that memory does not depend on how many there are. While
 * a page is worked on, the next one is on its way.
 *
 * What is read is consistent although each page is a statement of its own: entries are only ever added, and none at or
 * above `size` is read. One cursor over all of it would be no better, and its snapshot would keep PostgreSQL from
 * clearing away what the sequencer deletes for as long as the slowest reader takes.
 */
export class LogReader {
  readonly #client: Client;
  /** Makes every other page of {@link lines}, so that PostgreSQL writes one while the one before is still on its way. */
  #second: Client | undefined;
  #closed: Promise<void> | undefined;

  constructor(private readonly url: string) {
    this.#client = clientOf(url);
  }

  async connect(): Promise<void> {
    await this.#client.connect();
  }

  /**
   * Entries that the condition holds for, below index `size`, in the order of the log, in pages that are not empty. `dense`
   * says that it holds for all of them: a page is then asked for by both its ends, which is quick also where PostgreSQL
   * has not looked yet how much there is, and takes all that is left for a few rows.
   */
  async *pages(
    condition: Condition,
    size: number,
    from = 0,
    dense = false,
  ): AsyncGenerator<readonly ExportedEntry[], void, void> {
    const end = (at: number, limit: number): number => (dense ? Math.min(size, at + limit) : size);
    let coming: Promise<readonly Row[]> | undefined = this.#page(
      condition,
      from,
      end(from, FIRST_PAGE_ENTRIES),
      FIRST_PAGE_ENTRIES,
    );
    let wanted = FIRST_PAGE_ENTRIES;
    while (coming !== undefined) {
      const rows: readonly Row[] = await coming;
      const last = rows.at(-1);
      const next = last === undefined ? size : Number(last[0]) + 1;
      const more = rows.length === wanted && next < size;
      wanted = entriesThatFit(rows);
      coming = more ? this.#page(condition, next, end(next, wanted), wanted) : undefined;
      // Where nobody asks for the next page any more, nobody hears of its failure either.
      coming?.catch(() => undefined);
      if (rows.length > 0) yield rows.map(entryOf);
    }
  }

  /**
   * All entries from index `from` on and below `size`, of which none may be missing, as JSON Lines that PostgreSQL writes:
   * for them alone it takes a third of the time. Throws `EntriesGone` where one is missing.
   */
  async *lines(size: number, from = 0): AsyncGenerator<WrittenEntries, void, void> {
    const clients = size - from > FIRST_PAGE_ENTRIES ? await this.#both() : [this.#client];
    const coming: Promise<readonly WrittenEntries[]>[] = [];
    let limit = FIRST_PAGE_ENTRIES;
    for (let next = from, turn = 0; next < size || coming.length > 0;) {
      while (next < size && coming.length < clients.length) {
        const end = Math.min(size, next + limit);
        const page = this.#lines(clients[turn % clients.length] as Client, next, end);
        // Where nobody asks for it any more, nobody hears of its failure either.
        page.catch(() => undefined);
        coming.push(page);
        next = end;
        turn += 1;
      }
      const page = await (coming.shift() as Promise<readonly WrittenEntries[]>);
      const bytes = page.reduce((sum, { text }) => sum + text.length, 0);
      limit = entriesIn(bytes / page.reduce((sum, { count }) => sum + count, 0));
      yield* page;
    }
  }

  /** Without a second connection it goes slower, and nothing else. */
  async #both(): Promise<readonly Client[]> {
    const second = (this.#second = clientOf(this.url));
    return second.connect().then(
      () => [this.#client, second],
      () => [this.#client],
    );
  }

  async #lines(client: Client, from: number, end: number): Promise<readonly WrittenEntries[]> {
    const rows = await copiedRows(client, linesBetween(from, end)).catch((error: unknown) => {
      // A leaf that is no UTF-8; the log takes whatever it is given.
      if (error instanceof DatabaseError && error.code?.startsWith('22') === true) return undefined;
      throw error;
    });
    const written = rows === undefined ? undefined : writtenBetween(rows, from, end);
    if (written !== undefined) return written;
    const entries = (await this.#page(EVERYTHING, from, end, end - from)).map(entryOf);
    const missing = firstMissing(entries, from, end);
    if (missing !== undefined) throw missing;
    return [{ count: entries.length, text: Buffer.from(entryLines(entries)) }];
  }

  async #page(condition: Condition, from: number, size: number, limit: number): Promise<readonly Row[]> {
    if (from >= size) return [];
    const { length } = condition.parameters;
    const query: QueryArrayConfig = {
      text: `SELECT idx, leaf FROM audit_entry
      WHERE (${condition.sql}) AND idx >= $${length + 1}::bigint AND idx < $${length + 2}::bigint
      ORDER BY idx LIMIT ${limit}`,
      values: [...condition.parameters, from, size],
      rowMode: 'array',
    };
    const { rows } = await this.#client.query<Row[]>(query);
    return rows as unknown as Row[];
  }

  /** Ends the connections and whatever runs on them; any number of times. */
  close(): Promise<void> {
    this.#closed ??= Promise.allSettled([this.#client.end(), this.#second?.end()]).then(() => undefined);
    return this.#closed;
  }
}

function clientOf(url: string): Client {
  const client = new Client({
    connectionString: url,
    application_name: 'leasegate-export',
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    statement_timeout: PAGE_LIMIT_MS,
    // A query whose client went away ends within a second, also while it finds nothing to send.
    options: '-c default_transaction_read_only=on -c client_connection_check_interval=1000',
  });
  // A connection that breaks also fails the query that is running; without this it would end the process.
  client.on('error', () => undefined);
  return client;
}

function entriesThatFit(rows: readonly Row[]): number {
  const bytes = rows.reduce((sum, [, leaf]) => sum + leaf.length, 0);
  const each = Math.max(1, bytes / Math.max(1, rows.length));
  return entriesIn(each);
}

function entriesIn(bytesEach: number): number {
  return Math.max(16, Math.min(MAX_PAGE_ENTRIES, Math.floor(PAGE_BYTES / bytesEach)));
}

function entryOf([idx, leaf]: Row): ExportedEntry {
  return { index: Number(idx), leaf, leafHash: leafHash(leaf) };
}
