import type { CompactRange } from '../../tlog/compact-range.js';
import { HASH_BYTES, splitHashes } from '../../tlog/hash.js';
import { subtreeHashes } from '../../tlog/leaf-run.js';
import { TILE_HEIGHT, TILE_WIDTH, tilePath } from '../../tlog/tile.js';
import type { ExpectedHead, VerifyOptions } from './export-verification.js';
import { headProblem } from './head-check.js';
import type { LogFolder } from './log-folder.js';
import type { Problems } from './problems.js';
import { bufferOf } from './scan-work.js';
import type { Scanners } from './scanners.js';
import { tilePaths, type TileScan, type TileTask } from './tile-scan.js';

/** Tiles that a thread is given at once: 2,048 entries, of a megabyte and a half. */
const TILES_PER_TASK = 8;
/** Tasks that each thread has before it. */
const TASKS_PER_THREAD = 3;
/** Beyond it nobody needs to be told of each: what is claimed to be there may be any number. */
export const MOST_MISSING = 1_000;

/** The lowest tiles `[first, end)`, and the entries below them that should be there. */
export type TileSpan = Pick<TileTask, 'first' | 'end' | 'size' | 'from' | 'to'>;

/** Goes through the lowest tiles of a log (https://c2sp.org/tlog-tiles) in their order, as many threads as there are reading ahead. */
export class TileWalk {
  /** Entries that were read. */
  count = 0;
  /** Tiles that are missing or have the wrong size, so that the root cannot be known. */
  missing = 0;

  constructor(
    private readonly folder: LogFolder,
    private readonly scanners: Scanners,
    private readonly problems: Problems,
    private readonly options: VerifyOptions,
  ) {}

  /** So many are missing that the rest was not looked at. */
  get gaveUp(): boolean {
    return this.missing > MOST_MISSING;
  }

  /** Appends the tiles to a tree that ends where they begin, and tells the root of each whole one. */
  async append(
    tree: CompactRange,
    span: TileSpan,
    onRoot?: (root: Uint8Array) => Promise<void>,
  ): Promise<void> {
    const { expectedHead } = this.options;
    const expected = expectedHead !== undefined && expectedHead.size <= span.size ? expectedHead : undefined;
    for await (const { first, scan } of this.#scans(span)) {
      this.problems.take(scan.problems, scan.problemCount);
      this.count += scan.count;
      for (const [at, tile] of scan.tiles.entries()) {
        if (tile === undefined) this.missing += 1;
        if (tile === undefined || this.missing > 0) continue;
        if (first + at === wantedTile(expected))
          this.#compareHead(headProblem(expected, tree, bufferOf(tile)));
        const whole = tile.length === HASH_BYTES || tile.length === TILE_WIDTH * HASH_BYTES;
        // A partial tile of one hash is no root: of a tree that has one more entry than whole tiles.
        const partial = !whole || (first + at + 1) * TILE_WIDTH > span.size;
        if (partial) for (const hash of splitHashes(bufferOf(tile))) tree.append(0, Buffer.from(hash));
        else {
          const root = tile.length === HASH_BYTES ? tile : subtreeHashes(0, Buffer.from(tile))[0];
          tree.append(TILE_HEIGHT, Buffer.from(root as Uint8Array));
          await onRoot?.(root as Uint8Array);
        }
      }
      this.options.onProgress?.({
        entries: this.count,
        total: Math.max(0, Math.min(span.to, span.size) - span.from),
      });
      if (!this.gaveUp) continue;
      this.problems.foundIn(
        tilePath({ level: 0, n: first + TILES_PER_TASK, width: TILE_WIDTH }),
        `more than ${MOST_MISSING} tiles are missing; from here on nothing was looked at`,
      );
      return;
    }
  }

  #compareHead(problem: string | false | undefined): void {
    if (typeof problem === 'string') this.problems.found(problem, undefined, 0);
  }

  async *#scans(span: TileSpan): AsyncGenerator<{ first: number; scan: TileScan }, void, void> {
    const { threads } = this.scanners;
    const ahead = threads === 1 ? 0 : threads * TASKS_PER_THREAD;
    const waiting: { readonly first: number; readonly scan: Promise<TileScan> }[] = [];
    const wanted = wantedTile(this.options.expectedHead);
    for (let first = span.first; first < span.end || waiting.length > 0; first += TILES_PER_TASK) {
      if (first < span.end) {
        const end = Math.min(span.end, first + TILES_PER_TASK);
        const source = this.folder.source(tilePaths(first, end, span.size));
        const { maxProblems } = this.options;
        const scan = this.scanners.scan('tiles', { ...span, source, first, end, wanted, maxProblems });
        waiting.push({ first, scan });
      }
      while (waiting.length > (first + TILES_PER_TASK < span.end ? ahead : 0)) {
        const next = waiting.shift() as (typeof waiting)[number];
        yield { first: next.first, scan: await next.scan };
      }
    }
  }
}

/** The tile that the last entry of an expected head is in. */
function wantedTile(expected: ExpectedHead | undefined): number | undefined {
  return expected === undefined || expected.size === 0
    ? undefined
    : Math.floor((expected.size - 1) / TILE_WIDTH);
}
