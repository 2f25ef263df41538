import { Client, type QueryArrayConfig } from 'pg';
import type { Condition } from '../audit/audit-filters.js';
import { leafHash } from '../tlog/hash.js';
import type { ExportedEntry } from './export-format.js';

/** Entries that are in memory at once; one has at most 65,535 bytes, and about a thousand as a rule. */
const PAGE_ENTRIES = 250;
/** A filter that matches rarely may look through the whole log for one page. */
const PAGE_LIMIT_MS = 600_000;

type Row = readonly [idx: string, leaf: Buffer];

/**
 * Reads entries on a connection of its own, a page at a time and only as they are asked for, so that memory does not
 * depend on how many there are.
 *
 * What is read is consistent although each page is a statement of its own: entries are only ever added, and none at or
 * above `size` is read. One cursor over all of it would be no better, and its snapshot would keep PostgreSQL from
 * clearing away what the sequencer deletes for as long as the slowest reader takes.
 */
export class LogReader {
  readonly #client: Client;
  #closed: Promise<void> | undefined;

  constructor(url: string) {
    this.#client = new Client({
      connectionString: url,
      application_name: 'leasegate-export',
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
      statement_timeout: PAGE_LIMIT_MS,
      // A query whose client went away ends within a second, also while it finds nothing to send.
      options: '-c default_transaction_read_only=on -c client_connection_check_interval=1000',
    });
    // A connection that breaks also fails the query that is running; without this it would end the process.
    this.#client.on('error', () => undefined);
  }

  async connect(): Promise<void> {
    await this.#client.connect();
  }

  /** Entries that the condition holds for, below index `size`, in the order of the log, in pages that are not empty. */
  async *pages(condition: Condition, size: number): AsyncGenerator<readonly ExportedEntry[], void, void> {
    const { length } = condition.parameters;
    const text = `SELECT idx, leaf FROM audit_entry
      WHERE (${condition.sql}) AND idx >= $${length + 1}::bigint AND idx < $${length + 2}::bigint
      ORDER BY idx LIMIT ${PAGE_ENTRIES}`;
    let next = 0;
    while (next < size) {
      const query: QueryArrayConfig = {
        text,
        values: [...condition.parameters, next, size],
        rowMode: 'array',
      };
      const { rows } = await this.#client.query<Row[]>(query);
      const page = (rows as unknown as Row[]).map(entryOf);
      if (page.length > 0) yield page;
      if (page.length < PAGE_ENTRIES) return;
      next = (page.at(-1)?.index ?? size) + 1;
    }
  }

  /** Ends the connection and whatever runs on it; any number of times. */
  close(): Promise<void> {
    this.#closed ??= this.#client.end().catch(() => undefined);
    return this.#closed;
  }
}

function entryOf([idx, leaf]: Row): ExportedEntry {
  return { index: Number(idx), leaf, leafHash: leafHash(leaf) };
}
