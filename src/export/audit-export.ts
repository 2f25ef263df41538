import { Injectable } from '@nestjs/common';
import type { Readable } from 'node:stream';
import { AuditInbox } from '../audit/audit-inbox.js';
import { AuditQuery } from '../audit/audit-query.js';
import { conditionOf, leavesGaps, type AuditFilters, type Condition } from '../audit/audit-filters.js';
import type { EventData } from '../audit/catalogue.js';
import { Checkpoints } from '../audit/log/checkpoints.js';
import { LogTree } from '../audit/log/log-tree.js';
import { BrokerError } from '../kernel/broker-error.js';
import type { Caller } from '../kernel/caller.js';
import { Log } from '../kernel/log.js';
import { safeErrorFields } from '../kernel/safe-error.js';
import { Settings } from '../settings/schema.js';
import { CsvWriter } from './csv.js';
import type { ExportedCheckpoint, ExportScope, ExportWriter } from './export-format.js';
import { ExportStream } from './export-stream.js';
import { JsonlWriter } from './jsonl.js';
import { LogReader } from './log-reader.js';

/** Each holds a connection of its own to the database for as long as its reader takes. */
const MAX_EXPORTS = 4;

const WRITERS = {
  jsonl: { contentType: 'application/x-ndjson; charset=utf-8', writer: () => new JsonlWriter() },
  csv: { contentType: 'text/csv; charset=utf-8; header=present', writer: () => new CsvWriter() },
} as const satisfies Record<string, { readonly contentType: string; readonly writer: () => ExportWriter }>;

/** A form of export. */
export type ExportFormat = keyof typeof WRITERS;

/** All forms, for validation and documentation. */
export const EXPORT_FORMATS = Object.keys(WRITERS) as readonly ExportFormat[];

/** The media type of a form. */
export function exportContentType(format: ExportFormat): string {
  return WRITERS[format].contentType;
}

/** Streams the log, or the part of it that filters name, as it stands at the moment of the call. */
@Injectable()
export class AuditExport {
  #open = 0;

  constructor(
    private readonly settings: Settings,
    private readonly log: Log,
    private readonly inbox: AuditInbox,
    private readonly query: AuditQuery,
    private readonly tree: LogTree,
    private readonly checkpoints: Checkpoints,
  ) {}

  /**
   * Starts an export, recorded as `audit.exported` before the first byte. The stream takes as much memory for a million
   * entries as for a thousand, waits for its reader, and lets go of the database when it is destroyed. It fails when the
   * database does: what was written then has no end, and does not verify.
   *
   * Refuses with `request_invalid` (filters), `overloaded` (too many at once) or `database_unavailable`.
   */
  async stream(caller: Caller, filters: AuditFilters, format: ExportFormat): Promise<Readable> {
    if (this.#open >= MAX_EXPORTS) {
      throw new BrokerError('overloaded', {
        detail: `${MAX_EXPORTS} exports are running`,
        retryAfterSeconds: 10,
      });
    }
    this.#open += 1;
    const reader = new LogReader(this.settings.values.database.url.expose());
    try {
      const condition = conditionOf(filters, (value) => this.inbox.hmac(value));
      const scope = await this.#scope(filters);
      await reader.connect().catch((cause: unknown) => {
        throw new BrokerError('database_unavailable', { cause });
      });
      await this.inbox.record('audit.exported', { caller }, this.#recorded(filters, format, scope));
      return this.#readable(reader, condition, scope, WRITERS[format].writer(), caller);
    } catch (error) {
      await this.#release(reader);
      throw error;
    }
  }

  #readable(
    reader: LogReader,
    condition: Condition,
    scope: ExportScope,
    writer: ExportWriter,
    caller: Caller,
  ): Readable {
    const stream = new ExportStream(write(reader, condition, scope, writer), () => this.#release(reader));
    stream.once('error', (error) => {
      this.log.warn({ requestId: caller.requestId, ...safeErrorFields(error) }, 'an export ended early');
    });
    return stream;
  }

  async #release(reader: LogReader): Promise<void> {
    await reader.close();
    this.#open -= 1;
  }

  async #scope(filters: AuditFilters): Promise<ExportScope> {
    const whole = await this.query.head();
    const size = Math.min(whole.size, filters.toIndex ?? whole.size);
    const fromIndex = Math.min(filters.fromIndex ?? 0, size);
    const rootHash = size === whole.size ? whole.rootHash : (await this.tree.rootAt(size)).toString('hex');
    const filtered = leavesGaps(filters);
    return {
      head: { origin: whole.origin, size, rootHash },
      fromIndex,
      left: filtered ? [] : await this.#between(0, fromIndex),
      filtered,
      checkpoint: filtered ? undefined : await this.#checkpoint(fromIndex, size),
    };
  }

  /** Hex; hashes that stand for the entries `[begin, end)`. */
  async #between(begin: number, end: number): Promise<string[]> {
    return (await this.tree.range(begin, end)).hashes.map((hash) => hash.toString('hex'));
  }

  async #checkpoint(from: number, size: number): Promise<ExportedCheckpoint | undefined> {
    const newest = await this.checkpoints.newest();
    if (newest === undefined || newest.size < from) return undefined;
    return { note: newest.note, right: await this.#between(size, Math.max(size, newest.size)) };
  }

  #recorded(filters: AuditFilters, format: ExportFormat, scope: ExportScope): EventData<'audit.exported'> {
    const { fromIndex: _from, toIndex: _to, account, ...named } = filters;
    const shown = Object.entries({ ...named, account: account && this.inbox.hmac(account) })
      .filter(([, value]) => value !== undefined)
      .map(([name, value]) =>
        `${name}=${value instanceof Date ? value.toISOString() : String(value)}`.slice(0, 512),
      );
    return {
      format,
      from_index: scope.fromIndex,
      to_index: scope.head.size,
      filtered: scope.filtered,
      ...(shown.length > 0 && { filters: shown }),
    };
  }
}

async function* write(
  reader: LogReader,
  condition: Condition,
  scope: ExportScope,
  writer: ExportWriter,
): AsyncGenerator<Buffer, void, void> {
  yield Buffer.from(writer.begin(scope));
  for await (const page of reader.pages(condition, scope.head.size)) {
    yield Buffer.from(writer.entries(page));
  }
  const end = writer.end();
  if (end !== '') yield Buffer.from(end);
}
