import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { canonicalJson } from '../../src/audit/canonical-json.js';
import { JsonlWriter } from '../../src/export/jsonl.js';
import { checkpointText } from '../../src/tlog/checkpoint.js';
import { edgeLevels, TreeEdge } from '../../src/tlog/edge.js';
import { leafHash } from '../../src/tlog/hash.js';
import { keyLine, noteKey, noteOf } from '../../src/tlog/note.js';
import { bundleOf, TILE_WIDTH, tilePath, tileRoot, widthAt } from '../../src/tlog/tile.js';

export const ORIGIN = 'leasegate/of-the-test';

/** A key of the log that is not in a Vault, so that a test can do with it what its thief would. */
export interface CraftedKey {
  readonly line: string;
  readonly publicKey: Buffer;
  readonly privateKey: KeyObject;
}

export function craftKey(origin = ORIGIN): CraftedKey {
  const pair = generateKeyPairSync('ed25519');
  const publicKey = pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  return { line: keyLine(noteKey(origin, publicKey)), publicKey, privateKey: pair.privateKey };
}

/** An event at each index, as the broker writes them. `changes` go over those of single indexes. */
export function craftLeaves(count: number, changes: Readonly<Record<number, object>> = {}): Buffer[] {
  return Array.from({ length: count }, (_, index) =>
    Buffer.from(
      canonicalJson({
        v: 1,
        id: `00000000-0000-7000-8000-${String(index).padStart(12, '0')}`,
        time: new Date(Date.UTC(2026, 0, 1) + index * 1_000).toISOString(),
        nonce: createHash('md5').update(String(index)).digest('hex'),
        kind: 'lease.ended',
        outcome: 'success',
        request_id: `req-${index}`,
        actor: { type: 'system', name: 'lease' },
        run: { ref: '00000000-0000-7000-8000-00000000aaaa', run_id: 'nightly-42' },
        step_id: 'load',
        lease_id: '00000000-0000-7000-8000-00000000bbbb',
        credential: 'orders-readonly',
        data: { reason: 'released', proof: 'accessor gone' },
        ...changes[index],
      }),
    ),
  );
}

export function rootOf(leaves: readonly Buffer[]): Buffer {
  const edge = new TreeEdge();
  for (const leaf of leaves) edge.append(leafHash(leaf));
  return edge.root();
}

/** A checkpoint over these leaves. */
export function craftCheckpoint(
  leaves: readonly Buffer[],
  keys: readonly CraftedKey[],
  origin = ORIGIN,
): string {
  const text = checkpointText({ origin, size: leaves.length, root: rootOf(leaves), extensions: [] });
  return noteOf(
    text,
    keys.map(({ publicKey, privateKey }) => {
      const { name, id } = noteKey(origin, publicKey);
      return { name, id, signature: sign(null, Buffer.from(text), privateKey) };
    }),
  );
}

/** The lines of an export of all of it, each without its line feed. */
export function craftExport(leaves: readonly Buffer[], checkpoint: string, origin = ORIGIN): string[] {
  const writer = new JsonlWriter();
  const head = { origin, size: leaves.length, rootHash: rootOf(leaves).toString('hex') };
  const scope = {
    head,
    fromIndex: 0,
    left: [],
    filtered: false,
    checkpoint: { note: checkpoint, right: [] },
  };
  const entries = leaves.map((leaf, index) => ({ index, leaf, leafHash: leafHash(leaf) }));
  return `${writer.begin(scope)}${writer.entries(entries)}${writer.end()}`.split('\n').slice(0, -1);
}

/** The same log as public tools read it; of a tree of more than one level of tiles when there are more than 256. */
export async function craftFolder(
  folder: string,
  leaves: readonly Buffer[],
  checkpoint: string,
): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  const write = async (path: string, bytes: Buffer | string): Promise<void> => {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), bytes);
  };
  let hashes = leaves.map((leaf) => leafHash(leaf));
  for (let level = 0; level < edgeLevels(leaves.length); level += 1) {
    const above: Buffer[] = [];
    for (let n = 0; n * TILE_WIDTH < hashes.length; n += 1) {
      const tile = hashes.slice(n * TILE_WIDTH, (n + 1) * TILE_WIDTH);
      const width = widthAt(level, n, leaves.length);
      await write(tilePath({ level, n, width }), Buffer.concat(tile));
      if (level === 0)
        await write(
          tilePath({ level: 'entries', n, width }),
          bundleOf(leaves.slice(n * TILE_WIDTH, n * TILE_WIDTH + width)),
        );
      if (tile.length === TILE_WIDTH) above.push(tileRoot(tile));
    }
    hashes = above;
  }
  await write('checkpoint', checkpoint);
}
