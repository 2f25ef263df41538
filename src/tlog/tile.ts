import { CompactRange } from './compact-range.js';

/** Hashes of a whole tile: eight levels of the tree. */
export const TILE_WIDTH = 256;
/** Levels of the tree in a tile. */
export const TILE_HEIGHT = 8;

/** A tile of hashes (`level` from 0), or a bundle of entries. */
export interface TileName {
  readonly level: number | 'entries';
  readonly n: number;
  /** Hashes or entries in it; 256 in a whole one. */
  readonly width: number;
}

/** The path of a tile, https://c2sp.org/tlog-tiles: `tile/0/x001/x234/067.p/12`. */
export function tilePath({ level, n, width }: TileName): string {
  return `tile/${level}/${pathOf(n)}${width === TILE_WIDTH ? '' : `.p/${width}`}`;
}

function pathOf(n: number): string {
  const groups = [String(n % 1_000).padStart(3, '0')];
  for (let rest = Math.floor(n / 1_000); rest > 0; rest = Math.floor(rest / 1_000)) {
    groups.unshift(`x${String(rest % 1_000).padStart(3, '0')}`);
  }
  return groups.join('/');
}

const PATH = /^tile\/(entries|\d{1,2})\/((?:x\d{3}\/)*)(\d{3})(?:\.p\/([1-9]\d{0,2}))?$/;

/** The tile that a path names; undefined when it is no path that {@link tilePath} writes. */
export function tileOf(path: string): TileName | undefined {
  const [, level, high, low, width] = PATH.exec(path) ?? [];
  if (level === undefined || high === undefined || low === undefined) return undefined;
  const name: TileName = {
    level: level === 'entries' ? level : Number(level),
    n: Number(`${high.replace(/\D/g, '')}${low}`),
    width: width === undefined ? TILE_WIDTH : Number(width),
  };
  // One name for each thing: no leading zeros, no whole tile under the name of a partial one.
  return Number.isSafeInteger(name.n) && tilePath(name) === path ? name : undefined;
}

/** The hashes that a tile has in a tree of `size` leaves; 0 where there is no such tile yet. */
export function widthAt(level: number, n: number, size: number): number {
  const nodes = Math.floor(size / TILE_WIDTH ** level);
  return Math.max(0, Math.min(TILE_WIDTH, nodes - n * TILE_WIDTH));
}

/** The hash over all that a whole tile has: one hash of the tile above. */
export function tileRoot(hashes: readonly Buffer[]): Buffer {
  const range = new CompactRange();
  for (const hash of hashes) range.append(0, hash);
  return range.root();
}

/** A bundle of entries, https://c2sp.org/tlog-tiles: each with its length in two bytes before it, big-endian. */
export function bundleOf(leaves: readonly Uint8Array[]): Buffer {
  return Buffer.concat(
    leaves.flatMap((leaf) => {
      const length = Buffer.allocUnsafe(2);
      length.writeUInt16BE(leaf.length);
      return [length, leaf];
    }),
  );
}

/** The entries of a bundle. Throws when it ends in the middle of one. */
export function leavesOf(bundle: Buffer): Buffer[] {
  const leaves: Buffer[] = [];
  for (let at = 0; at < bundle.length;) {
    const end = at + 2 + bundle.readUInt16BE(at);
    if (end > bundle.length) throw new RangeError('the bundle ends in the middle of an entry');
    leaves.push(bundle.subarray(at + 2, end));
    at = end;
  }
  return leaves;
}
