import { createHash } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ScheduleLostError } from '../../../src/export/schedule/schedule-rows.js';
import { SpanFolder } from '../../../src/export/schedule/span-folder.js';
import { CALLER, offerMany } from '../audit/log-parts.js';
import { checkSpans, openScheduled, type ScheduledLog } from './schedule-parts.js';

let parts: ScheduledLog;
beforeAll(async () => {
  parts = await openScheduled();
  await offerMany(parts.log, 600);
  await parts.log.sequencer().drain();
}, 240_000);
afterAll(() => parts.stop());

const kinds = async (like: string): Promise<string[]> => {
  await parts.log.sequencer().drain();
  const rows = await parts.log.dataSource.query<{ kind: string }[]>(
    'SELECT kind FROM audit_entry WHERE kind LIKE $1 ORDER BY idx',
    [like],
  );
  return rows.map(({ kind }) => kind);
};
const spans = (): string => join(parts.directory, 'all');

describe('a scheduled export', () => {
  it('fails, says so and tries again while its folder is not there', async () => {
    await rename(parts.directory, `${parts.directory}.away`);
    expect(await parts.run()).toBe(0);
    expect(await parts.state()).toMatchObject({ attempts: 1, lastError: 'Error (ENOENT)', nextIndex: 0 });
    expect(await parts.run()).toBe(0);
    parts.clock.advanceMs(10_000);
    expect(await parts.run()).toBe(0);
    expect(await parts.state()).toMatchObject({ attempts: 2 });
    await rename(`${parts.directory}.away`, parts.directory);
    expect(await kinds('audit.export_%')).toEqual(['audit.export_failed', 'audit.export_failed']);
  });

  it('writes what it fixed when it could not, with manifest, and says that it recovered', async () => {
    await offerMany(parts.log, 50);
    await parts.log.sequencer().drain();
    parts.clock.advanceMs(20_000);
    expect(await parts.run()).toBe(1);
    const [folder = ''] = await parts.folders();
    expect(folder).toBe('000000000000-000000000600');
    const manifest = await parts.manifest(folder);
    const bytes = await readFile(join(spans(), folder, manifest.file));
    expect(manifest).toMatchObject({
      ...{
        leasegate_manifest: 1,
        schedule: 'all',
        from_index: 0,
        to_index: 600,
        count: 600,
        filtered: false,
      },
      ...{ bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') },
    });
    expect(JSON.parse(manifest.event.leaf)).toMatchObject({
      kind: 'audit.export_finished',
      data: { schedule: 'all', sha256: manifest.sha256, export_id: manifest.export_id },
    });
    expect(await kinds('audit.export_recovered')).toHaveLength(1);
    expect(await parts.state()).toMatchObject({
      ...{ attempts: 0, nextIndex: 600, nextAt: new Date('2026-11-21T11:00:00Z') },
      last: { fromIndex: 0, toIndex: 600, count: 600, folder: join(spans(), folder) },
    });
  });

  it('is not due before the next whole hour, and then covers exactly what came since', async () => {
    expect(await parts.run()).toBe(0);
    parts.clock.advanceMs(3 * 3_600_000);
    expect(await parts.run()).toBe(1);
    expect(await parts.run()).toBe(0);
    expect((await parts.state())?.nextAt).toEqual(new Date('2026-11-21T14:00:00Z'));
    const folders = await parts.folders();
    expect(folders).toHaveLength(2);
    expect(await checkSpans(spans(), folders)).toBe((await parts.state())?.nextIndex);
  });

  it('finds what was written before a crash, and writes it no second time', async () => {
    parts.clock.advanceMs(3_600_000);
    const before = await parts.state();
    const held = await parts.rows.takeDue('all');
    if (held === undefined) throw new Error('it is not due');
    await parts.rows.fix(held, held.nextIndex + 2);
    // What a process leaves that dies before the cursor moved: made by another log of the same entries, so to say.
    const folder = new SpanFolder(spans(), held.nextIndex, held.nextIndex + 2, held.fence);
    await folder.begin();
    await folder.write('leasegate-audit.jsonl.gz', [Buffer.from('as it was')]);
    const sha256 = createHash('sha256').update('as it was').digest('hex');
    await folder.write('manifest.json', [
      Buffer.from(JSON.stringify({ file: 'leasegate-audit.jsonl.gz', sha256, count: 2 })),
    ]);
    await folder.publish();
    expect(await parts.run()).toBe(1);
    expect((await parts.state())?.nextIndex).toBe((before?.nextIndex ?? 0) + 2);
    const [, , third = ''] = await parts.folders();
    expect(await readFile(join(spans(), third, 'leasegate-audit.jsonl.gz'), 'utf8')).toBe('as it was');
  });

  it('does not take for written what somebody changed meanwhile', async () => {
    parts.clock.advanceMs(3_600_000);
    const held = await parts.rows.takeDue('all');
    if (held === undefined) throw new Error('it is not due');
    await parts.rows.fix(held, held.nextIndex + 1);
    const folder = new SpanFolder(spans(), held.nextIndex, held.nextIndex + 1, held.fence);
    await mkdir(folder.path);
    await writeFile(join(folder.path, 'x'), 'changed');
    const manifest = { file: 'x', sha256: createHash('sha256').update('x').digest('hex'), count: 1 };
    await writeFile(join(folder.path, 'manifest.json'), JSON.stringify(manifest));
    expect(await parts.run()).toBe(0);
    expect(await parts.state()).toMatchObject({ lastError: 'SpanChanged (span_changed)' });
    await rm(folder.path, { recursive: true });
    parts.clock.advanceMs(60_000);
    expect(await parts.run()).toBe(1);
  });

  it('changes nothing once it was overtaken', async () => {
    parts.clock.advanceMs(3_600_000);
    const zombie = await parts.rows.takeDue('all');
    if (zombie === undefined) throw new Error('it is not due');
    const other = await parts.rows.takeDue('all');
    expect(Number(other?.fence)).toBe(Number(zombie.fence) + 1);
    await expect(parts.rows.fix(zombie, zombie.nextIndex + 1)).rejects.toThrow(ScheduleLostError);
    await expect(parts.rows.failed(zombie, 'x', 1)).rejects.toThrow(ScheduleLostError);
    expect(await parts.rows.isHeld(zombie)).toBe(false);
    // Nor in the folder: what is there is never written over.
    const [first, second] = ['1', '2'].map(
      (fence) => new SpanFolder(join(parts.directory, 'x'), 0, 1, fence),
    );
    await first?.begin();
    await first?.write('a', [Buffer.from('1')]);
    await first?.publish();
    await second?.begin();
    await second?.write('a', [Buffer.from('2')]);
    await expect(second?.publish()).rejects.toThrow();
    expect(await readFile(join(first?.path ?? '', 'a'), 'utf8')).toBe('1');
  });

  it('keeps its span and its cursor in the database, whatever the program does', async () => {
    const held = await parts.rows.takeDue('all');
    if (held === undefined) throw new Error('it is not due');
    await parts.rows.fix(held, held.nextIndex + 1);
    await expect(parts.rows.fix(held, held.nextIndex + 2)).rejects.toThrow(/fixed/);
    await expect(
      parts.log.dataSource.query('UPDATE scheduled_exports SET next_index = 0, pending_to = NULL'),
    ).rejects.toThrow(/goes back/);
    await expect(parts.log.dataSource.query('DELETE FROM scheduled_exports')).rejects.toThrow();
    expect(await parts.run()).toBe(1);
  });

  it('with a filter has those kinds alone', async () => {
    await parts.log.inbox.record(
      'lease.issued',
      { caller: CALLER },
      { expires_at: '2030-01-01T00:00:00.000Z', delivery: 'plain', revocable: true, account: 'u' },
    );
    await parts.log.sequencer().drain();
    expect(await parts.run('leases')).toBe(1);
    const [folder = ''] = await parts.folders('leases');
    expect(await parts.manifest(folder, 'leases')).toMatchObject({ count: 1, filtered: true, format: 'csv' });
    expect((await parts.state('leases'))?.nextAt).toEqual(new Date('2026-11-22T00:00:00Z'));
  });
});
