import { Client } from 'pg';
import QueryStream from 'pg-query-stream';
import type { Condition } from '../audit/audit-filters.js';
import type { ExportedEntry } from './export-format.js';

/** Entries of one window: as long as this takes, one snapshot of the database is held. */
const WINDOW_ENTRIES = 5_000;
/** Rows that are fetched at once. */
const FETCH_ENTRIES = 250;
/** A window that is not taken within this time ends the export, so that a stalled reader holds no snapshot for ever. */
const WINDOW_LIMIT_MS = 600_000;

type Row = readonly [idx: string, leaf: Buffer, leafHash: Buffer, chainHash: Buffer];

/**
 * Reads entries on a connection of its own, a fetch at a time and only as they are asked for, so that memory does not
 * depend on how many there are.
 *
 * What is read is consistent although it is read in windows: entries are only ever added, and none at or above `size` is
 * read. One snapshot for all of it would be no better, and would keep PostgreSQL from clearing away what the
 * sequencer deletes for as long as the slowest reader takes.
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
      statement_timeout: WINDOW_LIMIT_MS,
      // A query whose client went away ends within a second, also while it finds nothing to send.
      options: '-c default_transaction_read_only=on -c client_connection_check_interval=1000',
    });
    // A connection that breaks also fails the query that is running; without this it would end the process.
    this.#client.on('error', () => undefined);
  }

  async connect(): Promise<void> {
    await this.#client.connect();
  }

  /** Entries that the condition holds for, below index `size`, in the order of the log, in batches that are not empty. */
  async *batches(condition: Condition, size: number): AsyncGenerator<readonly ExportedEntry[], void, void> {
    let next = 0;
    for (;;) {
      let seen = 0;
      let batch: ExportedEntry[] = [];
      const query = new QueryStream(
        `SELECT idx, leaf, leaf_hash, chain_hash FROM audit_entry
         WHERE (${condition.sql}) AND idx >= $${condition.parameters.length + 1}::bigint
           AND idx < $${condition.parameters.length + 2}::bigint
         ORDER BY idx LIMIT ${WINDOW_ENTRIES}`,
        [...condition.parameters, next, size],
        { batchSize: FETCH_ENTRIES, rowMode: 'array' },
      );
      for await (const row of this.#client.query(query) as AsyncIterable<Row>) {
        const entry = entryOf(row);
        next = entry.index + 1;
        seen += 1;
        batch.push(entry);
        if (batch.length === FETCH_ENTRIES) {
          yield batch;
          batch = [];
        }
      }
      if (batch.length > 0) yield batch;
      if (seen < WINDOW_ENTRIES) return;
    }
  }

  /** Ends the connection and whatever runs on it; any number of times. */
  close(): Promise<void> {
    this.#closed ??= this.#client.end().catch(() => undefined);
    return this.#closed;
  }
}

function entryOf([idx, leaf, leafHash, chainHash]: Row): ExportedEntry {
  return { index: Number(idx), leaf, leafHash, chainHash };
}
