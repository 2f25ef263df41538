import { createHash } from 'node:crypto';
import { canonicalJson } from '../../../src/audit/canonical-json.js';
import type { ExportedEntry } from '../../../src/export/export-format.js';
import { JsonlWriter } from '../../../src/export/jsonl.js';
import { CompactRange } from '../../../src/tlog/compact-range.js';
import { leafHash } from '../../../src/tlog/hash.js';

/** The origin of logs of these tests. */
export const ORIGIN = 'leasegate/5f0c3b1e-8f43-4b1a-9d0e-111111111111';

/** The log that has these events. */
export function logOf(events: readonly unknown[]): ExportedEntry[] {
  return events.map((event, index) => {
    const leaf = Buffer.from(canonicalJson(event), 'utf8');
    return { index, leaf, leafHash: leafHash(leaf) };
  });
}

/** The tree of the log between two sizes. */
export function rangeOf(log: readonly ExportedEntry[], from: number, to: number): CompactRange {
  const range = new CompactRange(from);
  for (const { leafHash: hash } of log.slice(from, to)) range.append(0, hash);
  return range;
}

/** Hex; the root of the log when it had `size` entries. */
export function rootAt(log: readonly ExportedEntry[], size: number): string {
  return rangeOf(log, 0, size).root().toString('hex');
}

const hexOf = (range: CompactRange): string[] => range.hashes.map((hash) => hash.toString('hex'));

/** A range of a log as JSON Lines; with `keep`, a filtered export of it; with a note, up to that checkpoint's size. */
export function exported(
  log: readonly ExportedEntry[],
  range: {
    from?: number;
    to?: number;
    keep?: (index: number) => boolean;
    checkpoint?: { note: string; size: number };
  } = {},
): string {
  const { from = 0, to = log.length, keep, checkpoint } = range;
  const writer = new JsonlWriter();
  const entries = log.slice(from, to).filter(({ index }) => keep?.(index) ?? true);
  return [
    writer.begin({
      head: { origin: ORIGIN, size: to, rootHash: rootAt(log, to) },
      fromIndex: from,
      left: keep === undefined ? hexOf(rangeOf(log, 0, from)) : [],
      filtered: keep !== undefined,
      checkpoint: checkpoint && {
        note: checkpoint.note,
        right: hexOf(rangeOf(log, to, Math.max(to, checkpoint.size))),
      },
    }),
    writer.entries(entries),
    writer.end(),
  ].join('');
}

/** The lines with the checksum and the count at the end made right again, as somebody would who rewrites a file. */
export function resealed(lines: readonly string[]): string {
  const body = lines
    .slice(0, -1)
    .map((line) => `${line}\n`)
    .join('');
  const end = JSON.parse(lines.at(-1) ?? '') as Record<string, unknown>;
  const sealed = {
    ...end,
    count: lines.length - 2,
    content_hash: createHash('sha256').update(body).digest('hex'),
  };
  return `${body}${JSON.stringify(sealed)}\n`;
}

/** The lines of a file, without their line feeds. */
export function linesIn(file: string): string[] {
  return file.slice(0, -1).split('\n');
}

/** A file as a stream of pieces of some size. */
export async function* pieces(
  file: string | Uint8Array,
  size = 65_536,
): AsyncGenerator<Uint8Array, void, void> {
  const bytes = Buffer.from(file);
  for (let at = 0; at < bytes.length; at += size) yield await Promise.resolve(bytes.subarray(at, at + size));
}
