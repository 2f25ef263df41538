import { createHash } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { canonicalJson } from '../../src/audit/canonical-json.js';
import type { SpanManifest } from '../../src/export/schedule/span-folder.js';
import { JsonlWriter } from '../../src/export/jsonl.js';
import { CompactRange } from '../../src/tlog/compact-range.js';
import { leafHash } from '../../src/tlog/hash.js';
import { inclusionSpans } from '../../src/tlog/proof.js';
import { tlogProofText } from '../../src/tlog/tlog-proof.js';
import { hexRange, partName } from './crafted-archive.js';
import { craftCheckpoint, ORIGIN, rootOf, type CraftedKey } from './crafted-log.js';

/** Which entries a span has, and what its file is; gzipped JSON Lines unless told. */
export interface SpanShape {
  readonly from: number;
  readonly to: number;
  readonly schedule?: string;
  /** The bytes of a file of the form `csv`. */
  readonly csv?: string;
}

/** Writes the folders of spans as scheduled exports do, their events behind the leaves in one log; answers their names. */
export async function craftSchedule(
  home: string,
  leaves: readonly Buffer[],
  shapes: readonly SpanShape[],
  key: CraftedKey,
): Promise<string[]> {
  const files = shapes.map((shape) => fileOf(leaves, shape, key));
  const events = shapes.map((shape, at) => eventOf(shape, files[at] as Buffer, at));
  const log = [...leaves, ...events];
  const note = craftCheckpoint(log, [key]);
  await rm(home, { recursive: true, force: true });
  for (const [at, { from, to, schedule = 'nightly', csv }] of shapes.entries()) {
    const index = leaves.length + at;
    const hashes = inclusionSpans(index, log.length).map(({ begin, end }) => rootBetween(log, begin, end));
    const leaf = (events[at] as Buffer).toString();
    const { data } = JSON.parse(leaf) as { data: Omit<SpanManifest, 'file'> };
    const manifest: SpanManifest = {
      ...data,
      leasegate_manifest: 1,
      schedule,
      file: csv === undefined ? 'leasegate-audit.jsonl.gz' : 'leasegate-audit.csv',
      compression: csv === undefined ? 'gzip' : null,
      origin: ORIGIN,
      archived_before: null,
      event: { index, leaf, proof: tlogProofText(index, hashes, note) },
    };
    const folder = join(home, partName(from, to));
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, manifest.file), files[at] as Buffer);
    await writeFile(join(folder, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
    await writeFile(join(folder, 'checkpoint'), craftCheckpoint(leaves.slice(0, to), [key]));
  }
  return shapes.map(({ from, to }) => partName(from, to));
}

function fileOf(leaves: readonly Buffer[], { from, to, csv }: SpanShape, key: CraftedKey): Buffer {
  if (csv !== undefined) return Buffer.from(csv);
  const writer = new JsonlWriter();
  const upTo = leaves.slice(0, to);
  const begin = writer.begin({
    head: { origin: ORIGIN, size: to, rootHash: rootOf(upTo).toString('hex') },
    fromIndex: from,
    left: hexRange(leaves, 0, from),
    filtered: false,
    checkpoint: { note: craftCheckpoint(upTo, [key]), right: [] },
  });
  const entries = upTo.slice(from).map((leaf, at) => ({ index: from + at, leaf, leafHash: leafHash(leaf) }));
  return gzipSync(Buffer.from(`${begin}${writer.entries(entries)}${writer.end()}`));
}

function eventOf({ from, to, schedule = 'nightly', csv }: SpanShape, file: Buffer, at: number): Buffer {
  return Buffer.from(
    canonicalJson({
      v: 1,
      id: `00000000-0000-7000-8000-0000000f${String(at).padStart(4, '0')}`,
      kind: 'audit.export_finished',
      nonce: createHash('md5').update(`event ${at}`).digest('hex'),
      data: {
        export_id: `00000000-0000-7000-8000-0000000e${String(at).padStart(4, '0')}`,
        format: csv === undefined ? 'jsonl' : 'csv',
        ...(csv === undefined && { compression: 'gzip' }),
        schedule,
        from_index: from,
        to_index: to,
        filtered: csv !== undefined,
        count: csv === undefined ? to - from : csv.split('\n').length - 2,
        bytes: file.length,
        sha256: createHash('sha256').update(file).digest('hex'),
      },
    }),
  );
}

function rootBetween(log: readonly Buffer[], begin: number, end: number): Buffer {
  const range = new CompactRange(begin);
  for (const leaf of log.slice(begin, end)) range.append(0, leafHash(leaf));
  return range.root();
}
