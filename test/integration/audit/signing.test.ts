import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogDamaged } from '../../../src/audit/log/log-tree.js';
import { LogSetBack } from '../../../src/audit/log/set-back.js';
import { checkpointOf } from '../../../src/tlog/checkpoint.js';
import { leafHash, splitHashes } from '../../../src/tlog/hash.js';
import { keyOfLine, parseNote, signersOf, type NoteKey } from '../../../src/tlog/note.js';
import { linkOf } from '../../../src/tlog/origin-link.js';
import { leavesOf } from '../../../src/tlog/tile.js';
import { until } from '../../support/until.js';
import { CALLER, checkLog, offerMany } from './log-parts.js';
import { openSignedLog, type SignedLog } from './signed-log.js';

let log: SignedLog;
beforeEach(async () => {
  log = await openSignedLog();
});
afterEach(() => log.stop());

async function grow(count: number): Promise<void> {
  await offerMany(log, count);
  await log.sequencer().drain();
}

/** A superuser who takes the guards away and does what the statement says. */
async function asSuperuser(...statements: readonly string[]): Promise<void> {
  await log.transactions.run(async (tx) => {
    await tx.query('SET LOCAL session_replication_role = replica');
    for (const statement of statements) await tx.query(statement);
  });
}

async function keys(): Promise<NoteKey[]> {
  return (await log.checkpoints.keys()).map(({ line }) => keyOfLine(line)!);
}

describe('signing refuses', () => {
  it('a log that was set back to an earlier size, also after it has grown again', async () => {
    await grow(10);
    await log.writer().write();
    const root = (await log.tree.rootAt(4)).toString('hex');
    await asSuperuser(
      'DELETE FROM audit_entry WHERE idx >= 4',
      `UPDATE audit_head SET size = 4, root_hash = decode('${root}', 'hex')`,
    );
    await expect(log.writer().write()).rejects.toThrow(/has 4 entries, and it had 10 .* new-origin/);
    await grow(20);
    await expect(log.writer().write()).rejects.toThrow(/first 10 entries .* are not those that were signed/);
    expect((await log.checkpoints.newest())?.size).toBe(10);
  });

  it('a log of which an entry was rewritten', async () => {
    await grow(10);
    const writer = log.writer();
    await writer.write();
    await asSuperuser(`UPDATE audit_entry SET leaf = '{"forged":true}' WHERE idx = 3`);
    await expect(log.sequencer().drain()).resolves.toBe(0);
    await offerMany(log, 5);
    await expect(log.sequencer().drain()).rejects.toThrow('does not have the root that its head names');
  });

  it('a log under another origin', async () => {
    await grow(3);
    await log.writer().write();
    await asSuperuser(`UPDATE audit_head SET origin = 'leasegate/other'`);
    await expect(log.writer().write()).rejects.toThrow(LogSetBack);
  });

  it('a log whose mark was deleted while checkpoints are left, in the database or on disk, and goes on from what is left', async () => {
    await grow(3);
    const signed = await log.writer().write();
    await log.operator.call('DELETE', `${log.mounts.mark}/data/log`);
    await expect(log.writer().write()).resolves.toEqual(signed);
    await grow(1);
    await expect(log.writer().write()).rejects.toThrow(/mark .* is gone, and it was signed up to 3/);
    await asSuperuser('DELETE FROM audit_checkpoint');
    await expect(log.writer().write()).rejects.toThrow(/mark .* is gone, and it was signed up to 3/);
    const { former } = await log.newOrigin.begin(CALLER, 'the mark is gone');
    expect(former.size).toBe(3);
    expect((await log.writer().write())?.size).toBe(4);
    expect((await log.writer().write())?.origin).not.toBe(signed?.origin);
  });

  it('nothing while the key is gone, and goes on when it is back; sequencing goes on all the time', async () => {
    await grow(3);
    const writer = log.writer();
    await writer.write();
    // Vault answers before it has moved a mount.
    const move = async (from: string, to: string): Promise<void> => {
      await log.operator.call('POST', 'sys/remount', { from, to });
      await until(() => log.operator.call('GET', `sys/mounts/${to}`), { what: 'the move' });
    };
    await move(log.mounts.transit, `${log.mounts.transit}-away`);
    await grow(3);
    await expect(log.writer().write()).rejects.toThrow();
    expect((await checkLog(log)).size).toBe(6);
    await move(`${log.mounts.transit}-away`, log.mounts.transit);
    await until(async () => (await log.writer().write())?.size === 6);
  });
});

describe('a new origin', () => {
  it('lets a log that was set back go on, with a link that both names signed, once, and keeps the old files', async () => {
    await grow(10);
    const before = await log.writer().write();
    const root = await log.tree.rootAt(4);
    await asSuperuser(
      'DELETE FROM audit_entry WHERE idx >= 4',
      `UPDATE audit_head SET size = 4, root_hash = decode('${root.toString('hex')}', 'hex')`,
    );
    await grow(2);
    await expect(log.writer().write()).rejects.toThrow(LogSetBack);
    const begun = await log.newOrigin.begin(CALLER, 'restored');
    await log.sequencer().drain();
    const after = await log.writer().write();
    expect(after).toMatchObject({ origin: begun.origin, size: 7 });
    expect((await checkLog(log)).size).toBe(7);
    const note = parseNote(begun.link!)!;
    expect(linkOf(note.text)).toMatchObject({ former: before!.origin, formerSize: 10, origin: begun.origin });
    expect(signersOf(note, await keys()).map(({ name }) => name)).toEqual([before!.origin, begun.origin]);
    const { items } = await log.query.list({ kinds: ['log.origin_changed'] }, { limit: 5 });
    expect(items[0]?.event['data']).toMatchObject({ former: before!.origin, lost: 0, reason: 'restored' });
    const aside = join(log.directory, 'former', before!.origin.replace('/', '_'));
    expect(readFileSync(join(aside, 'checkpoint'), 'utf8')).toBe(before!.note);
    expect(readFileSync(join(log.directory, 'checkpoint'), 'utf8')).toBe(after!.note);
  });

  it('is not taken for one when somebody who has the database alone writes it there', async () => {
    await grow(5);
    const before = await log.writer().write();
    await log.dataSource.query(
      `INSERT INTO audit_origin SELECT 'leasegate/other', now(), size, root_hash, origin, size, root_hash, 0, $1, 'x' FROM audit_head`,
      [before!.note],
    );
    await asSuperuser(`UPDATE audit_head SET origin = 'leasegate/other'`);
    await expect(log.writer().write()).rejects.toThrow(/signed last is .*, and this is leasegate\/other/);
  });

  it('lets a damaged log go on: what is gone is said to be gone, and what is there keeps its place', async () => {
    await grow(700);
    await log.writer().write();
    await asSuperuser(
      'DELETE FROM audit_entry WHERE idx IN (5, 650, 651)',
      `UPDATE audit_entry SET leaf = '{"forged":true}' WHERE idx = 660`,
      'DELETE FROM audit_tile WHERE n = 1',
    );
    await offerMany(log, 5);
    await expect(log.sequencer().drain()).rejects.toThrow(LogDamaged);
    const begun = await log.newOrigin.begin(CALLER, 'an intruder');
    expect(begun).toMatchObject({ size: 700, lost: 2 });
    expect(await log.sequencer().drain()).toBe(6);
    expect((await log.writer().write())?.size).toBe(706);
    const { items } = await log.query.list({ kinds: ['log.entry_lost'] }, { limit: 5, order: 'oldest' });
    expect(items.map(({ index }) => index)).toEqual([650, 651]);
    expect((await log.dataSource.query<unknown[]>('SELECT 1 FROM audit_tile')).length).toBe(2);
  });

  it('is not begun on what a backup would mend', async () => {
    await asSuperuser('UPDATE audit_head SET size = 20000');
    await expect(log.newOrigin.begin(CALLER, 'x')).rejects.toThrow(
      /more than 10000 entries from 0 on are gone/,
    );
  });
});

it('old checkpoints are thinned: the last of each hour stays, the newest always, and those of today', async () => {
  const at = (size: number, hours: number): string =>
    `('leasegate/a', ${size}, sha256(''), 'note', date_trunc('day', now()) - interval '3 days' + interval '${hours} hours')`;
  await log.dataSource.query(
    `INSERT INTO audit_checkpoint VALUES ${[at(1, 1.1), at(2, 1.2), at(3, 1.3), at(4, 2.1), at(5, 71.9), at(6, 71.95), at(7, 2.5)].join()}`,
  );
  expect(await log.checkpoints.thin(100)).toBe(3);
  expect(await log.checkpoints.thin(100)).toBe(0);
  const rows = await log.dataSource.query<{ size: string }[]>(
    'SELECT size FROM audit_checkpoint ORDER BY size',
  );
  expect(rows.map(({ size }) => Number(size))).toEqual([3, 5, 6, 7]);
});

describe('a checkpoint', () => {
  it('is signed by the key that is published, for the tree as it is, once for each size', async () => {
    await grow(700);
    const [first, second] = [log.writer(), log.writer()];
    const signed = await first.write();
    expect(signed?.size).toBe(700);
    expect(await second.write()).toEqual(signed);
    const note = parseNote(signed!.note)!;
    expect(signersOf(note, await keys())).toHaveLength(1);
    expect(checkpointOf(note.text)?.root).toEqual(await log.tree.rootAt(700));
    await grow(1);
    expect((await second.write())?.size).toBe(701);
    // The first one's mark is an old one by now: it loses once, and finds its way.
    await grow(1);
    expect(await first.write()).toBeUndefined();
    expect((await first.write())?.size).toBe(702);
  });

  it('has the signatures of both keys after a rotation, and of the new one alone after the overlap', async () => {
    await grow(1);
    await log.writer().write();
    await log.operator.call('POST', `${log.mounts.transit}/keys/leasegate-log/rotate`);
    await grow(1);
    const signed = await log.writer().write();
    const [old, next] = await keys();
    expect(signersOf(parseNote(signed!.note)!, [old!])).toEqual([old]);
    expect(signersOf(parseNote(signed!.note)!, [next!])).toEqual([next]);
    await grow(1);
    const after = await log.writer(0).write();
    expect(signersOf(parseNote(after!.note)!, [old!, next!])).toEqual([next]);
  });

  it('stands in the folder, with every tile and entry that it vouches for', async () => {
    await grow(600);
    const writer = log.writer();
    await writer.write();
    await grow(50);
    const signed = await writer.write();
    const file = (path: string): Buffer => readFileSync(join(log.directory, path));
    expect(file('checkpoint').toString()).toBe(signed?.note);
    const leaves = ['000', '001', '002.p/138'].flatMap((name) => leavesOf(file(`tile/entries/${name}`)));
    const hashes = ['000', '001', '002.p/138'].flatMap((name) => splitHashes(file(`tile/0/${name}`)));
    expect(leaves).toHaveLength(650);
    expect(leaves.map(leafHash)).toEqual(hashes);
    expect(file('tile/1/000.p/2')).toHaveLength(64);
  });
});
