import { gzipSync } from 'node:zlib';
import { isUtf8 } from 'node:buffer';
import type { ColumnChunk, SchemaElement } from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { snappyCompress } from 'hyparquet-writer/src/snappy.js';
import type { Compression, ZstdFrames } from './compression.js';
import type { ExportedEntry, ExportScope, ExportWriter } from './export-format.js';
import { ROW_COLUMNS, rowOf, type RowColumn } from './export-row.js';
import { NumberColumn, TextColumn, UniqueTextColumn, type PageCodec } from './parquet-column.js';

/** A row group is in memory at once: so many rows, or so many bytes of leaves. */
const GROUP_ROWS = 10_000;
const GROUP_BYTES = 8 * 1024 * 1024;

const GROUP_COLUMNS = [...ROW_COLUMNS, 'leaf'] as const;

type TextName = Exclude<RowColumn, 'index' | 'time' | 'grant_version'>;

const SCHEMA: SchemaElement[] = [
  { name: 'root', num_children: GROUP_COLUMNS.length },
  ...GROUP_COLUMNS.map(elementOf),
];

function elementOf(name: (typeof GROUP_COLUMNS)[number]): SchemaElement {
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
}

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
  readonly #codec: PageCodec;
  readonly #columns: GroupColumns;
  #writer: ParquetWriter | undefined;
  #rows = 0;
  #size = 0;

  constructor(compression?: Compression, zstd?: ZstdFrames) {
    this.#codec = codecOf(compression, zstd);
    this.#columns = new GroupColumns(this.#codec);
  }

  begin({ head, fromIndex, filtered, checkpoint }: ExportScope): Uint8Array {
    // It writes the footer. Pages are written here: from values, it makes several objects for each of them.
    this.#writer = new ParquetWriter({
      writer: this.#bytes,
      schema: SCHEMA,
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
      this.#columns.add(entry);
      this.#rows += 1;
      this.#size += entry.leaf.length;
      if (this.#rows >= GROUP_ROWS || this.#size >= GROUP_BYTES) this.#group();
    }
    return this.#bytes.take();
  }

  end(): Uint8Array {
    this.#group();
    void this.#writer?.finish();
    return this.#bytes.take();
  }

  #group(): void {
    if (this.#rows === 0 || this.#writer === undefined) return;
    const columns = this.#columns.flush(this.#bytes, this.#rows);
    const rows = BigInt(this.#rows);
    const total = (size: 'total_uncompressed_size' | 'total_compressed_size'): bigint =>
      columns.reduce((sum, { meta_data: meta }) => sum + (meta?.[size] ?? 0n), 0n);
    this.#writer.row_groups.push({
      columns,
      total_byte_size: total('total_uncompressed_size'),
      total_compressed_size: total('total_compressed_size'),
      num_rows: rows,
    });
    this.#writer.num_rows += rows;
    this.#rows = 0;
    this.#size = 0;
  }
}

function codecOf(compression?: Compression, zstd?: ZstdFrames): PageCodec {
  if (compression === 'gzip') return { name: 'GZIP', compress: (bytes) => gzipSync(bytes, { level: 4 }) };
  if (compression === undefined) return { name: 'SNAPPY', compress: snappyCompress };
  if (zstd === undefined) throw new Error('zstd is not loaded');
  return { name: 'ZSTD', compress: (bytes) => zstd.compress(bytes) };
}

/** The columns of a row group, in the order of the schema. */
class GroupColumns {
  readonly #index: NumberColumn;
  readonly #time: NumberColumn;
  readonly #version: NumberColumn;
  readonly #leaf: UniqueTextColumn;
  readonly #texts: (readonly [TextName, TextColumn | UniqueTextColumn])[] = [];
  readonly #all: readonly (NumberColumn | TextColumn | UniqueTextColumn)[];

  constructor(codec: PageCodec) {
    const numbers = (name: RowColumn): NumberColumn => new NumberColumn(elementOf(name), codec, GROUP_ROWS);
    this.#index = numbers('index');
    this.#time = numbers('time');
    this.#version = numbers('grant_version');
    this.#leaf = new UniqueTextColumn(elementOf('leaf'), codec, GROUP_ROWS, true);
    this.#all = GROUP_COLUMNS.map((name) => {
      if (name === 'index') return this.#index;
      if (name === 'time') return this.#time;
      if (name === 'grant_version') return this.#version;
      if (name === 'leaf') return this.#leaf;
      const column = textColumn(name, codec);
      this.#texts.push([name, column]);
      return column;
    });
  }

  add(entry: ExportedEntry): void {
    const row = rowOf(entry);
    this.#index.add(row.index);
    this.#time.add(timeOf(row.time));
    this.#version.add(row.grant_version);
    for (const [name, column] of this.#texts) column.add(row[name]);
    this.#leaf.add(isUtf8(entry.leaf) ? entry.leaf : entry.leaf.toString('utf8'));
  }

  flush(file: ByteWriter, rows: number): ColumnChunk[] {
    return this.#all.map((column) => column.flush(file, rows));
  }
}

function textColumn(name: TextName, codec: PageCodec): TextColumn | UniqueTextColumn {
  const element = elementOf(name);
  switch (name) {
    case 'event_id':
    case 'leaf_hash':
      return new UniqueTextColumn(element, codec, GROUP_ROWS, false);
    case 'data':
      return new UniqueTextColumn(element, codec, GROUP_ROWS, true);
    default:
      return new TextColumn(element, codec, GROUP_ROWS);
  }
}

function timeOf(time: string | null): number | null {
  const ms = time === null ? NaN : Date.parse(time);
  return Number.isNaN(ms) ? null : ms;
}
