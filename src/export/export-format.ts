import type { LogHead } from '../audit/audit-query.js';

/** One entry as it is exported. The leaf is the exact text that was hashed. */
export interface ExportedEntry {
  readonly index: number;
  readonly leaf: Buffer;
  readonly leafHash: Buffer;
  /** https://c2sp.org/tlog-proof; null where no checkpoint covers the entry yet, undefined where none was asked for. */
  readonly proof?: string | null;
}

/** What an export covers: entries from `fromIndex` on and below `head.size`, all of them unless `filtered`. */
export interface ExportScope {
  /** The head that the export ends at. */
  readonly head: LogHead;
  readonly fromIndex: number;
  /** Hex; the hashes that stand for the entries before `fromIndex`, from left to right. Empty when filtered. */
  readonly left: readonly string[];
  readonly filtered: boolean;
  /** The newest signed checkpoint; undefined where the log has none yet. */
  readonly checkpoint?: ExportedCheckpoint | undefined;
}

/** A signed checkpoint, and what leads from the entries of the export to it. */
export interface ExportedCheckpoint {
  readonly note: string;
  /** Hex; the hashes that stand for the entries from the end of the export up to the size of the checkpoint. */
  readonly right: readonly string[];
}

/** A piece of a file. */
export type Piece = string | Uint8Array;

/** Entries that are written already, as a form has them. */
export interface WrittenEntries {
  readonly count: number;
  readonly text: Buffer;
}

/** A way to write an export. One object per export: it may keep a running state. */
export interface ExportWriter {
  /** What comes before the first entry. */
  begin(scope: ExportScope): Piece;
  /** The entries in the order of the log; what it answers may lag behind them. */
  entries(batch: readonly ExportedEntry[]): Piece;
  /** The same of entries that are written already; where the form can take them. */
  written?(batch: WrittenEntries): Piece;
  /** What comes after the last entry. An export without it was cut off. */
  end(): Piece;
  /** After the end: the SHA-256 of all pieces, in hex, where the form has to know it anyway. */
  sha256?(): string;
}
