import { readFile } from 'node:fs/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { Zstd } from '@hpcc-js/wasm-zstd';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { describe, expect, it } from 'vitest';
import { EVENT_KINDS } from '../../../src/audit/catalogue.js';
import { CefWriter } from '../../../src/export/cef.js';
import { gzipped, loadZstd, zstdFrames } from '../../../src/export/compression.js';
import type { ExportWriter } from '../../../src/export/export-format.js';
import { ocsfEvent, OcsfWriter } from '../../../src/export/ocsf.js';
import { rowOf } from '../../../src/export/export-row.js';
import { ParquetExportWriter } from '../../../src/export/parquet.js';
import { plainBytes } from '../../../src/sdk/plain-file.js';
import { zstdPlain } from '../../../src/sdk/zstd-file.js';
import { leafHash } from '../../../src/tlog/hash.js';
import { logOf, ORIGIN, pieces, rootAt } from './sample-log.js';

const ACTORS = [
  { type: 'workload', issuer: 'https://id.example', subject: 'repo:a/b' },
  { type: 'admin', issuer: 'https://id.example', subject: 'alice', roles: ['admin'] },
  { type: 'system', name: 'sweeper' },
  { type: 'anonymous' },
];

const events = Object.keys(EVENT_KINDS).flatMap((kind, n) =>
  ACTORS.map((actor, at) => ({
    v: 1,
    id: `0190f7a0-0000-7000-8000-${String(n * 4 + at).padStart(12, '0')}`,
    time: new Date(1_790_000_000_000 + n).toISOString(),
    kind,
    outcome: ['success', 'refused', 'failure'][n % 3],
    ...(n % 3 > 0 && { code: 'grant_denied' }),
    request_id: 'req-1',
    actor,
    ...(at % 2 === 0 && {
      workload: { issuer: 'https://id.example', subject: 'repo:a/b' },
      run: { ref: '5f0c3b1e-8f43-4b1a-9d0e-111111111111', run_id: 'nightly-42' },
      grant: { id: '5f0c3b1e-8f43-4b1a-9d0e-222222222222', name: 'orders', version: 3 },
      credential: 'orders-db',
      lease_id: '5f0c3b1e-8f43-4b1a-9d0e-333333333333',
    }),
    data: { text: 'a|b=c\\d\ne', n },
  })),
);
const log = logOf([...events, 'no event', { kind: 5 }]);
const scope = {
  head: { origin: ORIGIN, size: log.length, rootHash: rootAt(log, log.length) },
  fromIndex: 0,
  left: [],
  filtered: false,
};

function written(writer: ExportWriter, batch = 100): Buffer {
  const parts = [writer.begin(scope)];
  for (let at = 0; at < log.length; at += batch) parts.push(writer.entries(log.slice(at, at + batch)));
  parts.push(writer.end());
  return Buffer.concat(parts.map((part) => Buffer.from(part)));
}

describe('OCSF', () => {
  it('has every kind of event in the form of the schema of OCSF 1.8', async () => {
    const text = await readFile(new URL('./ocsf/ocsf-1.8.schema.json', import.meta.url), 'utf8');
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema(JSON.parse(text) as object, 'ocsf');
    const classes: Readonly<Record<number, string>> = {
      3002: 'authentication',
      3004: 'entity_management',
      6003: 'api_activity',
      2004: 'detection_finding',
    };
    const seen = new Set<number>();
    for (const entry of log) {
      const event = ocsfEvent(entry, ORIGIN);
      const uid = event['class_uid'] as number;
      seen.add(uid);
      const validate = ajv.getSchema(`ocsf#/$defs/class_${classes[uid]}`);
      if (validate?.(event) !== true)
        expect.fail(`${String(event['message'])}: ${JSON.stringify(validate?.errors?.slice(0, 3))}`);
    }
    expect([...seen].sort()).toEqual([2004, 3002, 3004, 6003]);
  });

  it('is a line per event that names the entry', () => {
    const lines = written(new OcsfWriter()).toString().trimEnd().split('\n');
    expect(lines).toHaveLength(log.length);
    const third = JSON.parse(lines[2] ?? '') as { metadata: object; unmapped: object };
    expect(third.metadata).toMatchObject({ version: '1.8.0', sequence: 2, log_name: ORIGIN });
    expect(third.unmapped).toMatchObject({ leaf_hash: log[2]?.leafHash.toString('hex') });
  });
});

describe('CEF', () => {
  it('is a line per event, whatever the text of an event', () => {
    const lines = written(new CefWriter()).toString().trimEnd().split('\n');
    expect(lines).toHaveLength(log.length);
    for (const line of lines)
      expect(line).toMatch(/^CEF:0\|Leasegate\|Leasegate\|1\|[^|]+\|[^|]+\|[367]\|\w+=/);
    expect(lines[0]).toContain('msg={"n":0,"text":"a|b\\=c\\\\\\\\d\\\\ne"}');
  });
});

describe('Parquet', () => {
  it.each([undefined, 'gzip', 'zstd'] as const)(
    'has every entry with its exact leaf (%s)',
    async (compression) => {
      const zstd = compression === 'zstd' ? await loadZstd() : undefined;
      const bytes = written(new ParquetExportWriter(compression, zstd));
      const file = Uint8Array.from(bytes).buffer;
      const metadata = await parquetMetadataAsync(file);
      expect(Number(metadata.num_rows)).toBe(log.length);
      expect(metadata.key_value_metadata).toContainEqual({ key: 'leasegate.origin', value: ORIGIN });
      const reader = await Zstd.load();
      const rows = await parquetReadObjects({
        file,
        compressors: {
          GZIP: (input) => Uint8Array.from(gunzipSync(input)),
          ZSTD: (input) => reader.decompress(input),
        },
      });
      expect(rows.map((row): unknown => row['leaf'])).toEqual(log.map(({ leaf }) => leaf.toString()));
      expect(rows[0]).toMatchObject({ index: 0n, kind: Object.keys(EVENT_KINDS)[0], actor: 'repo:a/b' });
      expect(rows[0]?.['time']).toEqual(new Date(1_790_000_000_000));
    },
  );

  it('has the cells of every row, over several row groups and whatever the leaves are', async () => {
    const odd = [
      '{',
      '\u{1F600}',
      '{"kind":"\uFFFD\u{1F600}","data":[1]}',
      '{"time":"never","grant":{"version":7}}',
    ];
    const entries = Array.from({ length: 12_000 }, (_, index) => {
      const own = JSON.stringify({ kind: `k${index % 3}`, request_id: `req-${index}`, data: { index } });
      const leaf = Buffer.from(index % 5 === 0 ? (odd[(index / 5) % odd.length] ?? '') : own);
      return { index, leaf, leafHash: leafHash(leaf) };
    });
    entries.push({ index: 12_000, leaf: Buffer.from([0xff, 0x7b]), leafHash: leafHash(Buffer.from([1])) });
    entries.push({
      index: 2 ** 40,
      leaf: Buffer.alloc(3_000_000, 'x'),
      leafHash: leafHash(Buffer.from([2])),
    });
    const writer = new ParquetExportWriter();
    const parts = [writer.begin(scope), writer.entries(entries), writer.end()];
    const file = Uint8Array.from(Buffer.concat(parts)).buffer;
    const metadata = await parquetMetadataAsync(file);
    expect(metadata.row_groups.map((group) => Number(group.num_rows))).toEqual([10_000, 2_002]);
    const kinds = metadata.row_groups[0]?.columns.find(
      ({ meta_data: meta }) => meta?.path_in_schema[0] === 'kind',
    );
    expect(kinds?.meta_data?.statistics).toMatchObject({ min_value: 'k0', null_count: 0n });
    expect(kinds?.meta_data?.statistics?.max_value).toBe('\uFFFD\u{1F600}');
    expect(await parquetReadObjects({ file })).toEqual(
      entries.map((entry) => ({
        ...rowOf(entry),
        index: BigInt(entry.index),
        time: null,
        leaf: entry.leaf.toString('utf8'),
      })),
    );
  });
});

describe('compression', () => {
  const text = 'the quick brown fox '.repeat(200_000);

  it('by gzip is one file that gunzip reads', async () => {
    const parts: Buffer[] = [];
    for await (const part of gzipped(buffers(text))) parts.push(part);
    expect(gunzipSync(Buffer.concat(parts)).toString()).toBe(text);
  });

  it('by zstd is frames that are read again, in pieces of any size', async () => {
    const parts: Buffer[] = [];
    for await (const part of zstdFrames(buffers(text), await loadZstd())) parts.push(part);
    expect(parts.length).toBeGreaterThan(2);
    for (const size of [7, 1_000_000]) {
      const plain: Uint8Array[] = [];
      for await (const part of zstdPlain(pieces(Buffer.concat(parts), size))) plain.push(part);
      expect(Buffer.concat(plain).toString()).toBe(text);
    }
  });

  it('is told from the first bytes of a file, and a plain file stays as it is', async () => {
    const plainOf = async (file: Buffer): Promise<string> => {
      const plain: Uint8Array[] = [];
      for await (const part of plainBytes(pieces(file, 3))) plain.push(part);
      return Buffer.concat(plain).toString();
    };
    const zstd = await loadZstd();
    for (const file of [
      Buffer.from('a line\n'),
      gzipSync('a line\n'),
      Buffer.from(zstd.compress(Buffer.from('a line\n'))),
    ])
      expect(await plainOf(file)).toBe('a line\n');
    expect(await plainOf(Buffer.from('a'))).toBe('a');
    await expect(plainOf(gzipSync('a line\n').subarray(0, 20))).rejects.toThrow();
  });

  it('hands on the failure of what it reads', async () => {
    const failing = async function* (): AsyncGenerator<Buffer, void, void> {
      yield Buffer.from('a');
      await Promise.resolve();
      throw new Error('the database went away');
    };
    await expect(
      (async () => {
        for await (const _ of gzipped(failing())) void _;
      })(),
    ).rejects.toThrow('the database went away');
  });
});

async function* buffers(text: string): AsyncGenerator<Buffer, void, void> {
  for await (const piece of pieces(text, 300_000)) yield Buffer.from(piece);
}
