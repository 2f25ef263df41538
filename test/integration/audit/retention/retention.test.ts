import { existsSync } from 'node:fs';
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { leafHash } from '../../../../src/tlog/hash.js';
import { provesInclusion } from '../../../../src/tlog/proof.js';
import { CALLER } from '../log-parts.js';
import { openRetained, type RetainedLog } from './retention-parts.js';

const FOLDER = '000000000000-000000000512';
let parts: RetainedLog;
let before: readonly unknown[];

beforeAll(async () => {
  parts = await openRetained();
  await parts.offer(400);
  expect(await parts.cut()).toBe(512);
  await parts.offer(50);
  before = await rows();
});
afterAll(() => parts.stop());

const rows = (): Promise<{ row: { idx: number } }[]> =>
  parts.log.dataSource.query('SELECT to_jsonb(e) AS row FROM audit_entry e ORDER BY idx');
const count = async (where = 'true'): Promise<number> => {
  const [row] = await parts.log.dataSource.query<{ n: number }[]>(
    `SELECT count(*)::int AS n FROM audit_entry WHERE idx < 512 AND ${where}`,
  );
  return row?.n ?? -1;
};
const file = (name: string): string => join(parts.directory, FOLDER, name);
const kinds = async (): Promise<string[]> => {
  await parts.log.sequencer().drain();
  const found = await parts.log.dataSource.query<{ kind: string }[]>(
    `SELECT kind FROM audit_entry WHERE idx >= 512 AND kind LIKE 'audit.%' ORDER BY idx`,
  );
  return found.map(({ kind }) => kind);
};

describe('entries of a closed part', () => {
  it('stay while they are young, and while the part is open', async () => {
    parts.clock.days = 30;
    expect(await parts.maintenance.retention.run()).toEqual([]);
  });

  it('stay while a legal hold is about one of them, and go when it is lifted', async () => {
    parts.clock.days = 61;
    const hold = await parts.holds.place(CALLER, { run: 'run-0', kinds: ['lease.issued'] }, 'a case');
    expect(await parts.maintenance.retention.run()).toEqual([
      { fromIndex: 0, toIndex: 512, class: 'leases', did: 'held', entries: expect.any(Number) as number },
    ]);
    expect(await count(`kind = 'lease.issued'`)).toBeGreaterThan(50);
    await parts.holds.lift(CALLER, hold.id, 'closed');
    await expect(parts.holds.lift(CALLER, hold.id, 'again')).rejects.toMatchObject({
      code: 'state_transition_refused',
    });
  });

  it('are only named by a dry run', async () => {
    const steps = await parts.maintenance.retention.run({ dryRun: true });
    expect(steps.map(({ did }) => did)).toEqual(['archived', 'removed']);
    expect(await rows()).toHaveLength(before.length);
    expect(existsSync(file('leases.jsonl.gz'))).toBe(false);
  });

  it('leave by class, and only what is in a file that was read again', async () => {
    const steps = await parts.maintenance.retention.run();
    expect(steps.map(({ did, class: name }) => [did, name])).toEqual([
      ['archived', 'leases'],
      ['removed', 'leases'],
    ]);
    expect(await count(`kind = 'lease.issued'`)).toBe(0);
    const leases = steps[0]?.entries ?? 0;
    expect(await count()).toBe(512 - leases);
    const lines = gunzipSync(await readFile(file('leases.jsonl.gz')))
      .toString()
      .trim()
      .split('\n');
    expect(lines).toHaveLength(leases);
    expect(await kinds()).toEqual(['audit.archived', 'audit.removed']);
  });

  it('can be proved when they are gone: tiles stay', async () => {
    const { size, rootHash } = await parts.log.query.head();
    const [line] = gunzipSync(await readFile(file('leases.jsonl.gz')))
      .toString()
      .split('\n');
    const { index, leaf } = JSON.parse(line ?? '') as { index: number; leaf: string };
    const proof = await parts.log.tree.inclusion(index, size);
    const root = Buffer.from(rootHash, 'hex');
    expect(provesInclusion(leafHash(Buffer.from(leaf)), index, size, proof, root)).toBe(true);
    expect((await parts.log.tree.rootAt(size)).equals(root)).toBe(true);
  });

  it('cannot be made up in the place of what left', async () => {
    await expect(
      parts.log.dataSource.query(
        `INSERT INTO audit_entry (idx, event_id, kind, occurred_at, outcome, leaf)
         VALUES (0, gen_random_uuid(), 'x', now(), 'success', '\\x7b7d')`,
      ),
    ).rejects.toThrow(/append-only/);
    await expect(parts.log.dataSource.query('DELETE FROM audit_entry WHERE idx < 512')).rejects.toThrow(
      /append-only/,
    );
    await expect(parts.log.dataSource.query('TRUNCATE audit_entry_0')).rejects.toThrow(/append-only/);
  });

  it('are not restored from a file that was changed', async () => {
    const path = file('leases.jsonl.gz');
    const good = await readFile(path);
    await appendFile(path, 'x');
    await expect(parts.maintenance.retention.restore(CALLER, 0, 'leases')).rejects.toThrow(/SHA-256 differs/);
    const bent = gunzipSync(good).toString().replace('build', 'BUILD');
    await writeFile(path, gzipSync(bent));
    await parts.log.dataSource.query(
      `UPDATE audit_archive SET sha256 = sha256($1::bytea) WHERE class = 'leases'`,
      [await readFile(path)],
    );
    await expect(parts.maintenance.retention.restore(CALLER, 0, 'leases')).rejects.toThrow(
      /entry 0 is not the one that was recorded/,
    );
    await writeFile(path, good);
    await parts.log.dataSource.query(
      `UPDATE audit_archive SET sha256 = sha256($1::bytea) WHERE class = 'leases'`,
      [good],
    );
  });

  it('are the same as before when they are restored, and leave again', async () => {
    await expect(parts.maintenance.retention.restore(CALLER, 0, 'other')).rejects.toMatchObject({
      code: 'not_found',
    });
    expect(await parts.maintenance.retention.restore(CALLER, 0, 'leases', 'an audit')).toBeGreaterThan(50);
    expect((await rows()).slice(0, before.length)).toEqual(before);
    await expect(parts.maintenance.retention.restore(CALLER, 0, 'leases')).rejects.toMatchObject({
      code: 'conflict',
    });
    expect(await parts.maintenance.retention.run()).toEqual([]);
    parts.clock.days = 92;
    expect((await parts.maintenance.retention.run()).map(({ did }) => did)).toEqual(['removed']);
  });

  it('are destroyed past their maximum age, but not while a hold may be about them', async () => {
    parts.clock.days = 201;
    const hold = await parts.holds.place(CALLER, { run: 'nobody-knows' }, 'another case');
    expect((await parts.maintenance.retention.run()).map(({ did }) => did)).toEqual(['held']);
    await parts.holds.lift(CALLER, hold.id, 'closed');
    expect((await parts.maintenance.retention.run()).map(({ did }) => did)).toEqual(['destroyed']);
    expect(existsSync(file('leases.jsonl.gz'))).toBe(false);
    await expect(parts.maintenance.retention.restore(CALLER, 0, 'leases')).rejects.toMatchObject({
      code: 'conflict',
    });
  });

  it('leave the database with their table when nothing is left, and come back', async () => {
    parts.clock.days = 366;
    const steps = await parts.maintenance.retention.run();
    expect(steps.filter(({ toIndex }) => toIndex === 512).map(({ did }) => did)).toEqual([
      'archived',
      'removed',
    ]);
    expect(await count()).toBe(0);
    const [table] = await parts.log.dataSource.query<{ oid: unknown }[]>(
      `SELECT to_regclass('audit_entry_0') AS oid`,
    );
    expect(table?.oid).toBeNull();
    expect(await parts.maintenance.parts.presentFrom()).toBe(512);
    await parts.offer(10);
    expect(await parts.maintenance.retention.restore(CALLER, 0, 'default')).toBeGreaterThan(400);
    expect(await count()).toBeGreaterThan(400);
  });
});
