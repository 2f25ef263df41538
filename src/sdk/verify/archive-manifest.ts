import { TILE_WIDTH } from '../../tlog/tile.js';

const HASH = /^[0-9a-f]{64}$/;

/** What leads from the tiles of an archived part to the root of the log. */
export interface ArchiveManifest {
  readonly origin: string;
  /** Both at the edge of a tile. */
  readonly from_index: number;
  readonly to_index: number;
  readonly size: number;
  /** Hex, as those below. */
  readonly root_hash: string;
  readonly left: readonly string[];
  readonly right: readonly string[];
  /** A signed note over `size` entries. */
  readonly checkpoint: string | null;
}

/** The manifest that a text is; undefined when it is none. */
export function manifestOf(text: string | undefined): ArchiveManifest | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const manifest = value as ArchiveManifest & { readonly leasegate_archive?: unknown };
  const { origin, from_index: from, to_index: to, size, root_hash: root, left, right, checkpoint } = manifest;
  return manifest.leasegate_archive === 1 &&
    typeof origin === 'string' &&
    [from, to, size].every((index) => Number.isSafeInteger(index) && index >= 0) &&
    [from, to].every((index) => index % TILE_WIDTH === 0) &&
    from < to &&
    to <= size &&
    isHash(root) &&
    [left, right].every((hashes) => Array.isArray(hashes) && hashes.length <= 128 && hashes.every(isHash)) &&
    (checkpoint === null || typeof checkpoint === 'string')
    ? { origin, from_index: from, to_index: to, size, root_hash: root, left, right, checkpoint }
    : undefined;
}

function isHash(value: unknown): value is string {
  return typeof value === 'string' && HASH.test(value);
}
