import type { ColumnChunk, CompressionCodec, Encoding, SchemaElement } from 'hyparquet';
import { ByteWriter } from 'hyparquet-writer';
import {
  appendDataPage,
  appendDictionaryPage,
  dictionaryIndexes,
  type Compress,
  type WrittenPages,
} from './parquet-page.js';
import { PlainValues } from './parquet-values.js';

/** A page is written when its values have so many bytes. */
const PAGE_BYTES = 1024 * 1024;

/** How the pages of a file are compressed. */
export interface PageCodec {
  readonly name: CompressionCodec;
  readonly compress: Compress;
}

interface Statistics {
  min_value?: Uint8Array | bigint | number;
  max_value?: Uint8Array | bigint | number;
  null_count?: bigint;
}

/**
 * A column of a row group, encoded as its values come: what is held of it is bytes, and no value of its own for each
 * row. One object per export; it begins anew with each row group.
 */
abstract class Column<T> {
  protected pages: WrittenPages = { bytes: new ByteWriter(), plainBytes: 0 };
  protected nulls = 0;
  protected pageRows = 0;
  protected levels: Uint8Array;
  #pageNulls = 0;

  constructor(
    protected readonly element: SchemaElement,
    protected readonly codec: PageCodec,
    groupRows: number,
  ) {
    this.levels = new Uint8Array(groupRows);
  }

  /** The next row; null where it has no value. */
  add(value: T | null): void {
    if (value === null) this.#pageNulls += 1;
    this.levels[this.pageRows] = value === null ? 0 : 1;
    this.pageRows += 1;
    if (value !== null) this.value(value);
  }

  /** Appends all rows since the last time to the file. */
  flush(file: ByteWriter, rows: number): ColumnChunk {
    const { encodings, dictionaryBytes, statistics } = this.finish();
    const { bytes, plainBytes } = this.pages;
    const offset = file.offset;
    file.appendBytes(bytes.getBytes());
    const chunk: ColumnChunk = {
      file_offset: BigInt(offset),
      meta_data: {
        type: this.element.type ?? 'BYTE_ARRAY',
        encodings,
        path_in_schema: [this.element.name],
        codec: this.codec.name,
        num_values: BigInt(rows),
        total_uncompressed_size: BigInt(plainBytes),
        total_compressed_size: BigInt(bytes.offset),
        data_page_offset: BigInt(offset + dictionaryBytes),
        ...(dictionaryBytes > 0 && { dictionary_page_offset: BigInt(offset) }),
        ...(statistics !== undefined && {
          statistics: { ...statistics, null_count: BigInt(this.nulls) },
        }),
      },
    };
    this.pages = { bytes: new ByteWriter(), plainBytes: 0 };
    this.nulls = 0;
    return chunk;
  }

  protected abstract value(value: T): void;

  /** Writes the pages that are not written yet. */
  protected abstract finish(): {
    encodings: Encoding[];
    dictionaryBytes: number;
    statistics: Statistics | undefined;
  };

  protected page(encoding: Encoding, values: Uint8Array, compressed = true): void {
    appendDataPage(this.pages, {
      ...{ encoding, values, rows: this.pageRows, nulls: this.#pageNulls },
      levels:
        this.element.repetition_type === 'REQUIRED' ? undefined : this.levels.subarray(0, this.pageRows),
      compress: compressed ? this.codec.compress : undefined,
    });
    this.nulls += this.#pageNulls;
    this.pageRows = 0;
    this.#pageNulls = 0;
  }
}

/** A column of texts that are hardly ever alike: a least and a greatest one would help nobody. */
export class UniqueTextColumn extends Column<string | Uint8Array> {
  readonly #values = new PlainValues(PAGE_BYTES + 64 * 1024);

  /** `compressed` is false for what is random, which does not get smaller. */
  constructor(
    element: SchemaElement,
    codec: PageCodec,
    groupRows: number,
    private readonly compressed: boolean,
  ) {
    super(element, codec, groupRows);
  }

  protected override value(value: string | Uint8Array): void {
    this.#values.text(value);
    if (this.#values.length >= PAGE_BYTES) this.#written();
  }

  protected override finish(): ReturnType<Column<string>['finish']> {
    if (this.pageRows > 0) this.#written();
    return { encodings: ['PLAIN'], dictionaryBytes: 0, statistics: undefined };
  }

  #written(): void {
    this.page('PLAIN', this.#values.bytes, this.compressed);
    this.#values.clear();
  }
}

/** A column of texts that are often alike. Where they are not, it is written without a dictionary. */
export class TextColumn extends Column<string> {
  readonly #places = new Map<string, number>();
  readonly #indexes: Uint32Array;
  readonly #values = new PlainValues(4096);
  #count = 0;
  #last: string | undefined;
  #lastPlace = 0;

  constructor(element: SchemaElement, codec: PageCodec, groupRows: number) {
    super(element, codec, groupRows);
    this.#indexes = new Uint32Array(groupRows);
  }

  protected override value(value: string): void {
    if (value !== this.#last) {
      const place = this.#places.get(value) ?? this.#places.size;
      if (place === this.#places.size) this.#places.set(value, place);
      this.#last = value;
      this.#lastPlace = place;
    }
    this.#indexes[this.#count] = this.#lastPlace;
    this.#count += 1;
  }

  protected override finish(): ReturnType<Column<string>['finish']> {
    const indexes = this.#indexes.subarray(0, this.#count);
    const dictionary = [...this.#places.keys()];
    const statistics = boundsOf(dictionary);
    const worthIt = dictionary.length > 0 && dictionary.length * 2 <= this.#count;
    let dictionaryBytes = 0;
    if (worthIt) {
      for (const value of dictionary) this.#values.text(value);
      appendDictionaryPage(this.pages, this.#values.bytes, dictionary.length, this.codec.compress);
      dictionaryBytes = this.pages.bytes.offset;
      this.page('RLE_DICTIONARY', dictionaryIndexes(indexes, dictionary.length), dictionary.length > 1);
    } else {
      for (const index of indexes) this.#values.text(dictionary[index] ?? '');
      this.page('PLAIN', this.#values.bytes);
    }
    this.#values.clear();
    this.#places.clear();
    this.#last = undefined;
    this.#count = 0;
    return { encodings: worthIt ? ['PLAIN', 'RLE_DICTIONARY'] : ['PLAIN'], dictionaryBytes, statistics };
  }
}

/** The least and the greatest text, in the order of their bytes. */
function boundsOf(texts: readonly string[]): Statistics {
  let min: string | undefined;
  let max: string | undefined;
  for (const text of texts) {
    if (min === undefined || isBefore(text, min)) min = text;
    if (max === undefined || isBefore(max, text)) max = text;
  }
  return min === undefined || max === undefined
    ? {}
    : { min_value: Buffer.from(min), max_value: Buffer.from(max) };
}

/** JavaScript compares code units, which is the order of the bytes as long as there are no surrogates. */
const SURROGATE = /[\uD800-\uDFFF]/;

function isBefore(text: string, other: string): boolean {
  if (SURROGATE.test(text) || SURROGATE.test(other))
    return Buffer.compare(Buffer.from(text), Buffer.from(other)) < 0;
  return text < other;
}

/** A column of whole numbers; INT32 or INT64, as its element says. */
export class NumberColumn extends Column<number> {
  readonly #values = new PlainValues(4096);
  #min = Infinity;
  #max = -Infinity;

  protected override value(value: number): void {
    if (this.element.type === 'INT64') this.#values.int64(value);
    else this.#values.int32(value);
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  protected override finish(): ReturnType<Column<number>['finish']> {
    const bound = (value: number): bigint | number => (this.element.type === 'INT64' ? BigInt(value) : value);
    const statistics =
      this.#min > this.#max ? {} : { min_value: bound(this.#min), max_value: bound(this.#max) };
    this.page('PLAIN', this.#values.bytes);
    this.#values.clear();
    this.#min = Infinity;
    this.#max = -Infinity;
    return { encodings: ['PLAIN'], dictionaryBytes: 0, statistics };
  }
}
