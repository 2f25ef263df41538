import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyPath } from '../../../src/sdk/verify-path.js';
import { checkpointIn } from '../../../src/tlog/checkpoint.js';
import { leafHash } from '../../../src/tlog/hash.js';
import { keyOfLine, parseNote, signersOf, type Note, type NoteKey } from '../../../src/tlog/note.js';
import { leadsToCheckpoint, tlogProofOf } from '../../../src/tlog/tlog-proof.js';
import { CALLER, offerMany } from '../audit/log-parts.js';
import { openSignedSchedule } from './schedule-parts.js';

let parts: Awaited<ReturnType<typeof openSignedSchedule>>;
let keys: string[];

beforeAll(async () => {
  parts = await openSignedSchedule();
  await offerMany(parts.log, 700);
  await parts.log.inbox.record(
    'lease.issued',
    { caller: CALLER },
    { expires_at: '2030-01-01T00:00:00.000Z', delivery: 'plain', revocable: true, account: 'u' },
  );
  await parts.log.sequencer().drain();
  await parts.log.writer().write();
  for (let span = 0; span < 3; span += 1) {
    expect(await parts.run()).toBe(1);
    parts.clock.advanceMs(3_600_000);
    await offerMany(parts.log, 30);
  }
  expect(await parts.run('leases')).toBe(1);
  expect(await parts.run('lines')).toBe(1);
  keys = (await parts.log.checkpoints.keys()).map(({ line }) => line);
}, 240_000);
afterAll(() => parts.stop());

const signedBy = (note: Note | undefined): number =>
  note === undefined ? 0 : signersOf(note, keys.map(keyOfLine) as NoteKey[]).length;

describe('a span of a signed log', () => {
  it('has a checkpoint that the key of the log signed, and that covers it', async () => {
    for (const folder of await parts.folders()) {
      const text = await readFile(join(parts.directory, 'all', folder, 'checkpoint'), 'utf8');
      expect(signedBy(parseNote(text))).toBe(1);
      const { origin, to_index: to } = await parts.manifest(folder);
      const checkpoint = checkpointIn(text);
      expect(checkpoint?.origin).toBe(origin);
      expect(checkpoint?.size).toBeGreaterThanOrEqual(to);
      expect(checkpoint?.root).toEqual(await parts.log.tree.rootAt(checkpoint?.size ?? 0));
    }
  });

  it('has an event of its end, with a proof that leads from it to a signed checkpoint', async () => {
    for (const folder of await parts.folders()) {
      const { event, sha256 } = await parts.manifest(folder);
      const proof = tlogProofOf(event.proof ?? '');
      expect(proof?.index).toBe(event.index);
      expect(signedBy(proof?.note)).toBe(1);
      expect(proof && leadsToCheckpoint(proof, leafHash(Buffer.from(event.leaf)))).toBe(true);
      expect(JSON.parse(event.leaf)).toMatchObject({ kind: 'audit.export_finished', data: { sha256 } });
    }
  });

  it.each(['leases', 'lines'])('of %s, with a filter, is verified with its manifest', async (name) => {
    const [folder = ''] = await parts.folders(name);
    const found = await verifyPath(join(parts.directory, name, folder), { keys });
    expect(found).toMatchObject({ ok: true, kind: 'span', filtered: true, count: 1, problems: [] });
    if (name === 'lines') expect(found.proved).toBe(1);
    expect(await verifyPath(join(parts.directory, name), { keys })).toMatchObject({
      ok: true,
      kind: 'schedule',
    });
  });

  it('and all of them are verified as one, up to what is signed', async () => {
    const folders = await parts.folders();
    expect(folders).toHaveLength(3);
    const end = Number(folders.at(-1)?.split('-')[1]);
    expect(await verifyPath(join(parts.directory, 'all'), { keys })).toMatchObject({
      ...{ ok: true, kind: 'schedule', count: end, firstIndex: 0, lastIndex: end - 1, problems: [] },
      checkpointSize: expect.any(Number) as number,
    });
    expect(await verifyPath(join(parts.directory, 'all', folders[1] ?? ''), { keys })).toMatchObject({
      ...{ ok: true, kind: 'span', problems: [] },
    });
  });
});
