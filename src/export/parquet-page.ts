import type { Encoding } from 'hyparquet';
import { ByteWriter } from 'hyparquet-writer';
import { writePageHeader } from 'hyparquet-writer/src/datapage.js';
import { writeRleBitPackedHybrid } from 'hyparquet-writer/src/encoding.js';

/** Compresses the values of a page. */
export type Compress = (bytes: Uint8Array) => Uint8Array;

/** Of pages that were written: their bytes with headers, and what these would be if nothing was compressed. */
export interface WrittenPages {
  readonly bytes: ByteWriter;
  plainBytes: number;
}

/** The values of a data page, which are encoded, and which of its rows have one. */
export interface DataPage {
  readonly encoding: Encoding;
  readonly values: Uint8Array;
  readonly rows: number;
  readonly nulls: number;
  /** One for each row, 1 where it has a value; undefined where the column must have them. */
  readonly levels: ArrayLike<number> | undefined;
  /** Undefined where it would not make them smaller. */
  readonly compress: Compress | undefined;
}

/** Appends a data page (version 2, whose levels are never compressed). */
export function appendDataPage(to: WrittenPages, page: DataPage): void {
  const levels = new ByteWriter();
  if (page.levels !== undefined) writeRleBitPackedHybrid(levels, page.levels as number[], 1);
  // Not every reader knows what a compressor makes of nothing.
  const compressed = page.values.length === 0 ? undefined : page.compress?.(page.values);
  const stored = compressed ?? page.values;
  const header = to.bytes.offset;
  writePageHeader(to.bytes, {
    type: 'DATA_PAGE_V2',
    uncompressed_page_size: levels.offset + page.values.length,
    compressed_page_size: levels.offset + stored.length,
    data_page_header_v2: {
      num_values: page.rows,
      num_nulls: page.nulls,
      num_rows: page.rows,
      encoding: page.encoding,
      definition_levels_byte_length: levels.offset,
      repetition_levels_byte_length: 0,
      is_compressed: compressed !== undefined,
    },
  });
  to.plainBytes += to.bytes.offset - header + levels.offset + page.values.length;
  to.bytes.appendBytes(levels.getBytes());
  to.bytes.appendBytes(stored);
}

/** Appends the page of a dictionary; its values stand in it as on a plain page. */
export function appendDictionaryPage(
  to: WrittenPages,
  values: Uint8Array,
  count: number,
  compress: Compress,
): void {
  const compressed = compress(values);
  const header = to.bytes.offset;
  writePageHeader(to.bytes, {
    type: 'DICTIONARY_PAGE',
    uncompressed_page_size: values.length,
    compressed_page_size: compressed.length,
    dictionary_page_header: { num_values: count, encoding: 'PLAIN' },
  });
  to.plainBytes += to.bytes.offset - header + values.length;
  to.bytes.appendBytes(compressed);
}

/** What a data page has of values that stand in a dictionary: their places there. */
export function dictionaryIndexes(indexes: ArrayLike<number>, dictionarySize: number): Uint8Array {
  const bytes = new ByteWriter(4096);
  const bits = Math.ceil(Math.log2(dictionarySize));
  bytes.appendUint8(bits);
  writeRleBitPackedHybrid(bytes, indexes as number[], bits);
  return bytes.getBytes();
}
