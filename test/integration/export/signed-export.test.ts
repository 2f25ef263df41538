import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuditExport } from '../../../src/export/audit-export.js';
import { ExportManifests } from '../../../src/export/export-manifests.js';
import { ExportScopes } from '../../../src/export/export-scope.js';
import { LogParts } from '../../../src/audit/retention/parts.js';
import { PresentEntries } from '../../../src/export/present-range.js';
import { LogBundle } from '../../../src/export/log-bundle.js';
import { SilentLog } from '../../../src/kernel/log.js';
import { verifyExport } from '../../../src/sdk/verify-export.js';
import { leafHash } from '../../../src/tlog/hash.js';
import { leadsToCheckpoint, tlogProofOf } from '../../../src/tlog/tlog-proof.js';
import { CALLER, offerMany } from '../audit/log-parts.js';
import { openSignedLog, type SignedLog } from '../audit/signed-log.js';

const run = promisify(execFile);
let log: SignedLog;
let exports: AuditExport;
let manifests: ExportManifests;
let bundles: LogBundle;
let folder: string;
let keys: string[];

const sign = async (): Promise<void> => {
  await log.sequencer().drain();
  await log.writer().write();
};
const bytesOf = async (stream: Readable): Promise<Buffer> =>
  Buffer.concat((await stream.toArray()) as Buffer[]);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'leasegate-bundle-'));
  log = await openSignedLog();
  await offerMany(log, 1_500);
  await sign();
  const present = new PresentEntries(new LogParts(log.transactions));
  const scopes = new ExportScopes(log.query, log.tree, log.checkpoints, present);
  exports = new AuditExport(log.settings, new SilentLog(), log.ids, log.inbox, scopes);
  manifests = new ExportManifests(log.transactions, log.tree, log.checkpoints);
  bundles = new LogBundle(log.ids, log.inbox, log.checkpoints, log.files, present);
  keys = (await log.checkpoints.keys()).map(({ line }) => line);
}, 240_000);
afterAll(async () => {
  await log.stop();
  await rm(folder, { recursive: true });
});

describe('a filtered export of a signed log', () => {
  it('refuses proofs that are those of another entry or log, and changed ones', async () => {
    const file = (
      await bytesOf(await exports.stream(CALLER, { run: 'run-3', toIndex: 1_500 }, 'jsonl'))
    ).toString();
    const lines = file.trimEnd().split('\n');
    const entry = JSON.parse(lines[1] ?? '') as { index: number; proof: string };
    const changed = async (proof: string): Promise<string> => {
      const text = lines.with(1, JSON.stringify({ ...entry, proof })).join('\n');
      const { ok, problems } = await verifyExport(Readable.from([Buffer.from(`${text}\n`)]), { keys });
      expect(ok).toBe(false);
      return problems[0]?.problem ?? '';
    };
    expect(await changed((JSON.parse(lines[2] ?? '') as { proof: string }).proof)).toMatch(/that of entry/);
    expect(await changed(entry.proof.replace(/\n\w{4}/, '\nAAAA'))).toMatch(/cannot be read|does not lead/);
    expect(await changed(entry.proof.replace(/\n\n(.*)\n\d+\n/, '\n\n$1\n1501\n'))).toMatch(/signed by none/);
    expect(await changed('c2sp.org/tlog-proof@v1')).toBe('the proof cannot be read');
  });

  it('proves each entry to be in the log, and says that it proves no completeness', async () => {
    const file = await bytesOf(await exports.stream(CALLER, { run: 'run-3', toIndex: 1_500 }, 'jsonl'));
    const result = await verifyExport(Readable.from([file]), { keys });
    expect(result).toMatchObject({ ok: true, filtered: true, count: 150, proved: 150 });
    expect(result.limits.join()).toContain('no completeness');
    expect((await verifyExport(Readable.from([file]))).proved).toBeNull();
  });

  it('has no proof for what is not signed yet', async () => {
    await offerMany(log, 20);
    await log.sequencer().drain();
    const file = await bytesOf(await exports.stream(CALLER, { run: 'run-3', fromIndex: 1_500 }, 'jsonl'));
    const result = await verifyExport(Readable.from([file]), { keys });
    expect(result).toMatchObject({ ok: true, count: 2, proved: 0 });
    expect(result.limits.join()).toContain('some have no proof');
  });
});

describe('the manifest of an export', () => {
  it('is its event, proved by a signed checkpoint', async () => {
    const stream = await exports.stream(CALLER, { toIndex: 100 }, 'csv');
    const file = await bytesOf(stream);
    const id = stream.about.exportId;
    expect(await manifests.of(id)).toBeUndefined();
    await log.sequencer().drain();
    expect(await manifests.of(id)).toMatchObject({ proof: null });
    await log.writer().write();
    const manifest = await manifests.of(id);
    const { data } = JSON.parse(manifest?.leaf ?? '') as { data: Record<string, unknown> };
    expect(data).toMatchObject({
      ...{ export_id: id, format: 'csv', count: 100, bytes: file.length },
      sha256: createHash('sha256').update(file).digest('hex'),
    });
    const proof = tlogProofOf(manifest?.proof ?? '');
    expect(proof && leadsToCheckpoint(proof, leafHash(Buffer.from(manifest?.leaf ?? '')))).toBe(true);
  });

  it('is none for an export that was cut off', async () => {
    const stream = await exports.stream(CALLER, {}, 'jsonl');
    stream.destroy();
    await sign();
    expect(await manifests.of(stream.about.exportId)).toBeUndefined();
  });
});

describe('a bundle', () => {
  it('is refused where the range lies beyond what is signed', async () => {
    await expect(bundles.stream(CALLER, { fromIndex: 1_000_000 })).rejects.toMatchObject({
      code: 'request_invalid',
    });
  });

  it('unpacks by tar, and verifies by golang.org/x/mod/sumdb', async () => {
    await sign();
    const file = join(folder, 'log.tar');
    const target = join(folder, 'log');
    await writeFile(file, await bytesOf(await bundles.stream(CALLER, {})));
    await run('mkdir', [target]);
    await run('tar', ['-xf', file, '-C', target]);
    const source = new URL('../../interop/verify-log', import.meta.url).pathname;
    await run('go', ['build', '-o', join(folder, 'verify-log'), '.'], { cwd: source });
    const { stdout } = await run(join(folder, 'verify-log'), [
      target,
      keys[0] ?? '',
      join(target, 'checkpoint'),
    ]);
    expect(stdout).toMatch(/^verified \d+ entries and 1 checkpoints\n$/);
  }, 240_000);
});
