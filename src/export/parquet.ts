import { gzipSync } from 'node:zlib';
import type { SchemaElement } from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { Compression, ZstdFrames } from './compression.js';
import type { ExportedEntry, ExportScope, ExportWriter } from './export-format.js';
import { ROW_COLUMNS, rowOf, type ExportRow } from './export-row.js';

/** A row group is in memory at once: so many rows, or so many bytes of leaves. */
const GROUP_ROWS = 10_000;
const GROUP_BYTES = 8 * 1024 * 1024;

const GROUP_COLUMNS = [...ROW_COLUMNS, 'leaf'] as const;
/** Columns in which no two rows are alike: a least and a greatest value help nobody. */
const UNIQUE: ReadonlySet<string> = new Set(['leaf', 'leaf_hash', 'data', 'event_id']);

const SCHEMA: SchemaElement[] = [
  { name: 'root', num_children: GROUP_COLUMNS.length },
  ...GROUP_COLUMNS.map((name): SchemaElement => {
    switch (name) {
      case 'index':
        return { name, type: 'INT64', repetition_type: 'REQUIRED' };
      case 'grant_version':
        return { name, type: 'INT32', repetition_type: 'OPTIONAL' };
      case 'time':
        return { name, type: 'INT64', converted_type: 'TIMESTAMP_MILLIS', repetition_type: 'OPTIONAL' };
      default:
        return { name, type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'OPTIONAL' };
    }
  }),
];

/** Bytes that were written and not handed on yet; the offset goes on, as the format counts from the file's start. */
class Drained extends ByteWriter {
  take(): Uint8Array {
    const bytes = Uint8Array.from(this.getBytes());
    this.index = 0;
    return bytes;
  }
}

/**
 * Parquet, for analysis. The column `leaf` has the exact text that was hashed, and the file's metadata the head and the
 * checkpoint; still the JSON Lines form is the one that `leasegate audit verify` reads. One row group is in memory at a
 * time. Pages are compressed by snappy, unless another compression is asked for: a file is never compressed as a whole.
 */
export class ParquetExportWriter implements ExportWriter {
  readonly #bytes = new Drained(1024 * 1024);
  readonly #compression: Compression | undefined;
  readonly #zstd: ZstdFrames | undefined;
  #writer: ParquetWriter | undefined;
  #rows: (ExportRow & { readonly leaf: string })[] = [];
  #size = 0;

  constructor(compression?: Compression, zstd?: ZstdFrames) {
    this.#compression = compression;
    this.#zstd = zstd;
  }

  begin({ head, fromIndex, filtered, checkpoint }: ExportScope): Uint8Array {
    const zstd = this.#zstd;
    this.#writer = new ParquetWriter({
      writer: this.#bytes,
      schema: SCHEMA,
      codec: this.#compression === undefined ? 'SNAPPY' : this.#compression === 'gzip' ? 'GZIP' : 'ZSTD',
      compressors: {
        GZIP: (bytes) => gzipSync(bytes, { level: 4 }),
        ...(zstd !== undefined && { ZSTD: (bytes) => zstd.compress(bytes) }),
      },
      createdBy: 'leasegate',
      kvMetadata: [
        { key: 'leasegate.origin', value: head.origin },
        { key: 'leasegate.size', value: String(head.size) },
        { key: 'leasegate.root_hash', value: head.rootHash },
        { key: 'leasegate.from_index', value: String(fromIndex) },
        { key: 'leasegate.filtered', value: String(filtered) },
        ...(checkpoint === undefined ? [] : [{ key: 'leasegate.checkpoint', value: checkpoint.note }]),
      ],
    });
    return this.#bytes.take();
  }

  entries(batch: readonly ExportedEntry[]): Uint8Array {
    for (const entry of batch) {
      this.#rows.push({ ...rowOf(entry), leaf: entry.leaf.toString('utf8') });
      this.#size += entry.leaf.length;
      if (this.#rows.length >= GROUP_ROWS || this.#size >= GROUP_BYTES) this.#group();
    }
    return this.#bytes.take();
  }

  end(): Uint8Array {
    this.#group();
    void this.#writer?.finish();
    return this.#bytes.take();
  }

  #group(): void {
    if (this.#rows.length === 0) return;
    const rows = this.#rows;
    void this.#writer?.write({
      rowGroupSize: rows.length,
      columnData: GROUP_COLUMNS.map((name) => ({
        name,
        data: cellsOf(rows, name),
        offsetIndex: false,
        ...(UNIQUE.has(name) && { statistics: false, encoding: 'PLAIN' as const }),
      })),
    });
    this.#rows = [];
    this.#size = 0;
  }
}

function cellsOf(
  rows: readonly (ExportRow & { readonly leaf: string })[],
  name: (typeof GROUP_COLUMNS)[number],
): unknown[] {
  if (name === 'index') return rows.map((row) => BigInt(row.index));
  if (name === 'time') return rows.map(({ time }) => timeOf(time));
  return rows.map((row) => row[name]);
}

function timeOf(time: string | null): Date | undefined {
  const ms = time === null ? NaN : Date.parse(time);
  return Number.isNaN(ms) ? undefined : new Date(ms);
}
