import type { NoteKey } from '../../tlog/note.js';
import { ArchiveScanner, type ArchiveScan, type ArchiveTask } from './archive-scan.js';
import { BlockScanner, type BlockScan, type ScanHeader } from './block-scan.js';
import { TileScanner, type TileScan, type TileTask } from './tile-scan.js';

/** A block of an export; its bytes are of memory that both threads have. */
export interface BlockTask {
  readonly bytes: Uint8Array;
  readonly begin: number;
  readonly header: ScanHeader;
}

/** What a thread can be given to do, by its name. */
export interface ScanTasks {
  readonly block: BlockTask;
  readonly tiles: TileTask;
  readonly archived: ArchiveTask;
}

/** What comes back. Of what came from another thread the buffers are plain bytes. */
export interface ScanAnswers {
  readonly block: Omit<BlockScan, 'hashes' | 'nodes'> & {
    readonly hashes: Uint8Array;
    readonly nodes: readonly Uint8Array[];
  };
  readonly tiles: TileScan;
  readonly archived: ArchiveScan;
}

/** Does it, in whichever thread. What it answers depends on nothing but the task. */
export class ScanWork {
  readonly #tiles = new TileScanner();
  readonly #archived = new ArchiveScanner();
  readonly #blocks: BlockScanner;

  constructor(keys: readonly NoteKey[]) {
    this.#blocks = new BlockScanner(keys);
  }

  readonly does: { readonly [K in keyof ScanTasks]: (task: ScanTasks[K]) => ScanAnswers[K] } = {
    block: ({ bytes, begin, header }) => this.#blocks.scan(bufferOf(bytes), begin, header),
    tiles: (task) => this.#tiles.scan(task),
    archived: (task) => this.#archived.scan(task),
  };
}

/** The same bytes as a buffer. */
export function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
