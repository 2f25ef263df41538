import { createReadStream } from 'node:fs';
import { BlockScanner } from '../../sdk/verify/block-scan.js';
import { blocksOf } from '../../sdk/verify/blocks.js';
import { endOf, headerOf, lineOf, type Header, type Members } from '../../sdk/verify/export-lines.js';
import { CompactRange } from '../../tlog/compact-range.js';
import { HASH_BYTES } from '../../tlog/hash.js';
import { CliError } from '../cli-error.js';

const LINE_FEED = 0x0a;

/** The beginning of an export that was cut off. */
export interface PartialExport {
  readonly header: Header;
  /** Bytes of the first line, and of all whole entries with it. */
  readonly headerBytes: number;
  readonly wholeBytes: number;
  readonly count: number;
  /** Index of the last whole entry, and its leaf. */
  readonly last: number;
  readonly lastLeaf: string;
  /** Hex; of the tree up to it. Empty when filtered. */
  readonly left: readonly string[];
  /** It has its last line: nothing is missing. */
  readonly whole: boolean;
}

/**
 * Reads what there is of an export, and checks it as far as it goes. Undefined where there is no entry to go on from. Throws
 * `partial_damaged` where a line is not as it was written.
 */
export async function readPartial(path: string): Promise<PartialExport | undefined> {
  const scanner = new BlockScanner([]);
  let reading: { header: Header; range: CompactRange; headerBytes: number } | undefined;
  let [wholeBytes, count, last, lastLeaf, whole] = [0, 0, -1, '', false];
  for await (const { bytes } of blocksOf(createReadStream(path), 2)) {
    let begin = 0;
    if (reading === undefined) {
      begin = bytes.indexOf(LINE_FEED) + 1;
      const header = begin === 0 ? undefined : headerOf(membersIn(bytes.subarray(0, begin - 1)));
      if (header === undefined) return undefined;
      const left = header.filtered ? [] : header.left.map((hash) => Buffer.from(hash, 'hex'));
      const range = header.filtered ? new CompactRange() : CompactRange.of(0, header.from_index, left);
      reading = { header, range, headerBytes: begin };
      wholeBytes = begin;
      last = header.from_index - 1;
    }
    const { header, range } = reading;
    const scan = scanner.scan(bytes, begin, header);
    if (scan.count > 0) {
      if (header.filtered ? scan.first <= last : scan.first !== last + 1) throw damaged(path, wholeBytes);
      if (!header.filtered)
        for (let at = 0; at < scan.hashes.length; at += HASH_BYTES)
          range.append(0, scan.hashes.subarray(at, at + HASH_BYTES));
      count += scan.count;
      last = scan.last;
      wholeBytes += scan.end - begin;
      const feed = bytes.lastIndexOf(LINE_FEED, scan.end - 2);
      lastLeaf = String(membersIn(bytes.subarray(feed + 1, scan.end - 1))?.['leaf']);
    }
    const feed = bytes.indexOf(LINE_FEED, scan.end);
    if (feed === -1) continue;
    whole = endOf(membersIn(bytes.subarray(scan.end, feed))) !== undefined;
    if (!whole) throw damaged(path, wholeBytes);
  }
  if (reading === undefined || count === 0) return undefined;
  const { header, headerBytes, range } = reading;
  const left = header.filtered ? [] : range.hashes.map((hash) => hash.toString('hex'));
  return { header, headerBytes, wholeBytes, count, last, lastLeaf, left, whole };
}

/** The object that a line is; undefined when it is none. */
export function membersIn(bytes: Buffer): Members | undefined {
  const { text } = lineOf(bytes, true);
  try {
    const value: unknown = JSON.parse(text ?? '');
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Members)
      : undefined;
  } catch {
    return undefined;
  }
}

function damaged(path: string, at: number): CliError {
  return new CliError('partial_damaged', `${path} is not what an export wrote, from byte ${at} on.`, {
    next: `Remove ${path} and export anew.`,
  });
}
