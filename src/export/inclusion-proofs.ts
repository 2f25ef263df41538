import { LRUCache } from 'lru-cache';
import type { LogTree } from '../audit/log/log-tree.js';
import { CompactRange, subtreesOf } from '../tlog/compact-range.js';
import { inclusionSpans, type Span } from '../tlog/proof.js';
import { TILE_HEIGHT, TILE_WIDTH, tileRoot, widthAt } from '../tlog/tile.js';
import { tlogProofText } from '../tlog/tlog-proof.js';

/** Tiles that are kept, of 8 KiB each; and hashes within and above them, of some 100 bytes. */
const KEPT_TILES = 256;
const KEPT_HASHES = 20_000;

/** Makes proofs that entries are in the tree of one checkpoint. Neighbours cost next to nothing. */
export class InclusionProofs {
  readonly #tiles = new LRUCache<string, readonly Buffer[]>({ max: KEPT_TILES });
  readonly #hashes = new LRUCache<string, Buffer>({ max: KEPT_HASHES });

  constructor(
    private readonly tree: LogTree,
    private readonly checkpoint: { readonly size: number; readonly note: string },
  ) {}

  /** The proof as https://c2sp.org/tlog-proof has it; null for an entry that the checkpoint does not cover. */
  async of(index: number): Promise<string | null> {
    const { size, note } = this.checkpoint;
    if (index >= size) return null;
    const hashes: Buffer[] = [];
    for (const span of inclusionSpans(index, size)) hashes.push(await this.#hash(span));
    return tlogProofText(index, hashes, note);
  }

  async #hash({ begin, end }: Span): Promise<Buffer> {
    const key = `${begin}-${end}`;
    const known = this.#hashes.get(key);
    if (known !== undefined) return known;
    const range = new CompactRange(begin);
    for (const { level, begin: first } of subtreesOf(begin, end))
      range.append(level, await this.#node(level, first));
    const hash = range.root();
    this.#hashes.set(key, hash);
    return hash;
  }

  async #node(level: number, begin: number): Promise<Buffer> {
    const tileLevel = Math.floor(level / TILE_HEIGHT);
    const first = begin / TILE_WIDTH ** tileLevel;
    const n = Math.floor(first / TILE_WIDTH);
    const key = `${tileLevel}/${n}`;
    const tile =
      this.#tiles.get(key) ??
      (await this.tree.hashes(tileLevel, n, widthAt(tileLevel, n, this.checkpoint.size)));
    this.#tiles.set(key, tile);
    return tileRoot(tile.slice(first % TILE_WIDTH, (first % TILE_WIDTH) + 2 ** (level % TILE_HEIGHT)));
  }
}
