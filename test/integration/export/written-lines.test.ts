import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { copiedRows } from '../../../src/export/copied-rows.js';
import { EntriesGone } from '../../../src/export/entries-gone.js';
import { entryLines } from '../../../src/export/jsonl.js';
import { LogReader } from '../../../src/export/log-reader.js';
import { linesBetween, writtenBetween } from '../../../src/export/written-lines.js';
import { offerMany, openLog, type LogParts } from '../audit/log-parts.js';

let parts: LogParts;
let reader: LogReader;
beforeEach(async () => {
  parts = await openLog();
  reader = new LogReader(parts.settings.values.database.url.expose());
  await reader.connect();
});
afterEach(async () => {
  await reader.close();
  await parts.stop();
});

const ALL = { sql: 'true', parameters: [] };

async function offer(...leaves: Buffer[]): Promise<void> {
  for (const leaf of leaves)
    await parts.dataSource.query('INSERT INTO audit_inbox (event_id, leaf) VALUES ($1, $2)', [
      parts.ids.uuid(),
      leaf,
    ]);
  await parts.sequencer().drain();
}

async function bothWays(size: number, from = 0): Promise<{ theirs: string; ours: string; count: number }> {
  let [theirs, ours, count] = ['', '', 0];
  for await (const page of reader.lines(size, from)) {
    theirs += page.text.toString();
    count += page.count;
  }
  for await (const page of reader.pages(ALL, size, from)) ours += entryLines(page);
  return { theirs, ours, count };
}

describe('lines that PostgreSQL writes', () => {
  it('say which entry is missing', async () => {
    await offerMany(parts, 600);
    await parts.sequencer().drain();
    await parts.dataSource.query('ALTER TABLE audit_entry_0 DISABLE TRIGGER USER');
    await parts.dataSource.query('DELETE FROM audit_entry WHERE idx IN (417, 418)');
    await expect(bothWays(600)).rejects.toThrow(new EntriesGone(417));
    await expect(bothWays(600, 418)).rejects.toThrow(new EntriesGone(418));
    await parts.dataSource.query('DELETE FROM audit_entry WHERE idx >= 419');
    await expect(bothWays(600, 450)).rejects.toThrow(new EntriesGone(450));
    expect((await bothWays(417)).count).toBe(417);
  });

  it.each([
    ['every character', Buffer.from(JSON.stringify(String.fromCharCode(...Array(0x800).keys())))],
    ['characters beyond them', Buffer.from('"\u2028\u2029\uFEFF\uFFFF\u{1F511}\\\\ \\" / \\u0000"')],
    ['what is no UTF-8', Buffer.of(0x22, 0xff, 0x00, 0x22)],
    ['bytes that are no text', Buffer.from([...Array(256).keys()])],
    ['controls as they are', Buffer.from([...Array(128).keys()].slice(1))],
  ])('are those that we would write for %s', async (_, leaf) => {
    await offerMany(parts, 5);
    await offer(leaf);
    await offerMany(parts, 5);
    await parts.sequencer().drain();
    const { theirs, ours, count } = await bothWays(11);
    expect(theirs).toBe(ours);
    expect(count).toBe(11);
  });

  it('come whole in rows that are larger than what a socket is read by', async () => {
    await offerMany(parts, 3_000);
    await parts.sequencer().drain();
    const client = new Client({ connectionString: parts.settings.values.database.url.expose() });
    await client.connect();
    try {
      const rows = await copiedRows(client, linesBetween(5, 3_000));
      const written = writtenBetween(rows, 5, 3_000);
      expect(written?.reduce((sum, { count }) => sum + count, 0)).toBe(2_995);
      const { ours } = await bothWays(3_000, 5);
      expect(Buffer.concat(written?.map(({ text }) => text) ?? []).toString() === ours).toBe(true);
      expect(writtenBetween(rows, 6, 3_000)).toBeUndefined();
      expect(writtenBetween(rows, 5, 3_001)).toBeUndefined();
      await expect(copiedRows(client, 'SELECT 1 / 0')).rejects.toMatchObject({ code: '22012' });
      expect(await copiedRows(client, `SELECT 'a', NULL::text, ''`)).toEqual([
        [Buffer.from('a'), null, Buffer.alloc(0)],
      ]);
      expect(await copiedRows(client, 'SELECT 1 WHERE false')).toEqual([]);
    } finally {
      await client.end();
    }
  });

  it('of many pages and of a part are the same', async () => {
    await offerMany(parts, 5_000);
    await parts.sequencer().drain();
    for (const from of [0, 777, 4_999, 5_000]) {
      const { theirs, ours, count } = await bothWays(5_000, from);
      expect(theirs === ours).toBe(true);
      expect(count).toBe(5_000 - from);
    }
  });
});
