import { Injectable } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { AuditInbox } from '../audit/audit-inbox.js';
import { conditionOf, type AuditFilters, type Condition } from '../audit/audit-filters.js';
import { shownFilters } from '../audit/audit-reads.js';
import type { EventData } from '../audit/catalogue.js';
import { BrokerError } from '../kernel/broker-error.js';
import type { Caller } from '../kernel/caller.js';
import { Ids } from '../kernel/ids.js';
import { Log } from '../kernel/log.js';
import { safeErrorFields } from '../kernel/safe-error.js';
import { Settings } from '../settings/schema.js';
import { gzipped, loadZstd, zstdFrames, type Compression } from './compression.js';
import type { ExportWriter, Piece } from './export-format.js';
import { ExportScopes, type ScopeWithProofs } from './export-scope.js';
import { EntriesGone, firstMissing } from './entries-gone.js';
import { ExportStream } from './export-stream.js';
import { fileForm, type ExportFormat, type FileForm } from './formats.js';
import { LogReader } from './log-reader.js';

/** Each holds one or two connections of its own to the database for as long as its reader takes. */
const MAX_EXPORTS = 4;

/** How an export is made, besides its filters and form. */
export interface ExportOptions {
  readonly compression?: Compression | undefined;
  /** Name of the schedule that it belongs to. */
  readonly schedule?: string | undefined;
}

interface Running {
  readonly caller: Caller;
  readonly scope: ScopeWithProofs;
  readonly form: FileForm;
  readonly condition: Condition;
  /** What both of its events say. */
  readonly said: Pick<EventData<'audit.exported'>, 'export_id' | 'format' | 'compression' | 'schedule'>;
}

/** Streams the log, or the part of it that filters name, as it stands at the moment of the call. */
@Injectable()
export class AuditExport {
  #open = 0;

  constructor(
    private readonly settings: Settings,
    private readonly log: Log,
    private readonly ids: Ids,
    private readonly inbox: AuditInbox,
    private readonly scopes: ExportScopes,
  ) {}

  /**
   * Starts an export, recorded as `audit.exported` before the first byte and as `audit.export_finished`, with the checksum
   * of the file, after the last one. The stream takes as much memory for a million entries as for a thousand, waits for
   * its reader, and lets go of the database when it is destroyed. It fails when the database does: what was written then
   * has no end, and does not verify.
   *
   * Refuses with `request_invalid` (filters), `entries_archived` (a range that is not all there), `overloaded` (too many at
   * once; a scheduled one waits for nobody) or `database_unavailable`.
   */
  async stream(
    caller: Caller,
    filters: AuditFilters,
    format: ExportFormat,
    { compression, schedule }: ExportOptions = {},
  ): Promise<ExportStream> {
    if (this.#open >= MAX_EXPORTS && schedule === undefined) {
      throw new BrokerError('overloaded', {
        detail: `${MAX_EXPORTS} exports are running`,
        retryAfterSeconds: 10,
      });
    }
    this.#open += 1;
    const reader = new LogReader(this.settings.values.database.url.expose());
    try {
      const condition = conditionOf(filters, (value) => this.inbox.hmac(value));
      const scope = await this.scopes.of(filters);
      const form = fileForm(format, compression);
      await reader.connect().catch((cause: unknown) => {
        throw new BrokerError('database_unavailable', { cause });
      });
      const said = { export_id: this.ids.uuid(), format, compression, schedule };
      await this.inbox.record('audit.exported', { caller }, this.#recorded(filters, said, scope));
      return await this.#readable(reader, { caller, scope, form, condition, said });
    } catch (error) {
      await this.#release(reader);
      throw error;
    }
  }

  async #readable(reader: LogReader, running: Running): Promise<ExportStream> {
    const { caller, form, scope, said } = running;
    const zstd = form.compression === 'zstd' ? await loadZstd() : undefined;
    const counted = { count: 0 };
    const writer = await form.writer(zstd);
    const plain = write(reader, running, writer, counted);
    const pieces = !form.wrapped ? plain : zstd === undefined ? gzipped(plain) : zstdFrames(plain, zstd);
    const stream = new ExportStream(
      {
        exportId: said.export_id,
        fromIndex: scope.fromIndex,
        toIndex: scope.head.size,
        logSize: scope.logSize,
        filtered: scope.filtered,
        archivedBefore: scope.archivedBefore,
        contentType: form.contentType,
        fileName: `leasegate-audit.${form.extension}`,
      },
      this.#finished(pieces, running, counted, form.wrapped ? undefined : writer.sha256?.bind(writer)),
      () => this.#release(reader),
    );
    stream.once('error', (error) => {
      this.log.warn({ requestId: caller.requestId, ...safeErrorFields(error) }, 'an export ended early');
    });
    return stream;
  }

  /** The pieces, and after the last one the event that says what they were; `known` is their SHA-256 where the form has it. */
  async *#finished(
    pieces: AsyncIterable<Buffer>,
    { caller, scope, said }: Running,
    counted: { readonly count: number },
    known: (() => string) | undefined,
  ): AsyncGenerator<Buffer, void, void> {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const piece of pieces) {
      if (known === undefined) hash.update(piece);
      bytes += piece.length;
      yield piece;
    }
    await this.inbox.record(
      'audit.export_finished',
      { caller },
      {
        ...said,
        from_index: scope.fromIndex,
        to_index: scope.head.size,
        filtered: scope.filtered,
        archived_before: scope.archivedBefore,
        count: counted.count,
        bytes,
        sha256: known?.() ?? hash.digest('hex'),
      },
    );
  }

  async #release(reader: LogReader): Promise<void> {
    await reader.close();
    this.#open -= 1;
  }

  #recorded(
    filters: AuditFilters,
    said: Running['said'],
    { fromIndex, head, filtered, archivedBefore }: ScopeWithProofs,
  ): EventData<'audit.exported'> {
    const { fromIndex: _from, toIndex: _to, reach: _reach, ...named } = filters;
    const shown = shownFilters(named, (value) => this.inbox.hmac(value));
    return {
      ...said,
      from_index: fromIndex,
      to_index: head.size,
      filtered,
      archived_before: archivedBefore,
      ...(shown.length > 0 && { filters: shown }),
    };
  }
}

async function* write(
  reader: LogReader,
  { condition, scope, form }: Running,
  writer: ExportWriter,
  counted: { count: number },
): AsyncGenerator<Buffer, void, void> {
  const proofs = form.format === 'jsonl' ? scope.proofs : undefined;
  let next = scope.fromIndex;
  yield bufferOf(writer.begin(scope));
  if (!scope.filtered && writer.written !== undefined) {
    for await (const page of reader.lines(scope.head.size, scope.fromIndex)) {
      counted.count += page.count;
      yield bufferOf(writer.written(page));
    }
    yield bufferOf(writer.end());
    return;
  }
  for await (const page of reader.pages(condition, scope.head.size, scope.fromIndex, !scope.filtered)) {
    counted.count += page.length;
    if (!scope.filtered) {
      const missing = firstMissing(page, next, next + page.length);
      if (missing !== undefined) throw missing;
      next += page.length;
    }
    if (proofs === undefined) yield bufferOf(writer.entries(page));
    else {
      const proved = [];
      for (const entry of page) proved.push({ ...entry, proof: await proofs.of(entry.index) });
      yield bufferOf(writer.entries(proved));
    }
  }
  if (!scope.filtered && next !== scope.head.size) throw new EntriesGone(next);
  yield bufferOf(writer.end());
}

function bufferOf(piece: Piece): Buffer {
  return typeof piece === 'string'
    ? Buffer.from(piece)
    : Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
}
