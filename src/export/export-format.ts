import type { LogHead } from '../audit/audit-query.js';

/** One entry as it is exported. The leaf is the exact text that was hashed. */
export interface ExportedEntry {
  readonly index: number;
  readonly leaf: Buffer;
  readonly leafHash: Buffer;
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

/** A way to write an export. One object per export: it may keep a running state. */
export interface ExportWriter {
  /** What comes before the first entry. */
  begin(scope: ExportScope): string;
  /** The entries in the order of the log. */
  entries(batch: readonly ExportedEntry[]): string;
  /** What comes after the last entry. An export without it was cut off. */
  end(): string;
}
