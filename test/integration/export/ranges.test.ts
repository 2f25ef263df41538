import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { verifyExport } from '../../../src/sdk/verify-export.js';
import { until } from '../../support/until.js';
import { startWorld, type World } from '../../support/world.js';

let world: World;
let token: string;
/** Entries that were there before the tests. */
let size: number;

beforeAll(async () => {
  world = await startWorld();
  token = await world.adminToken(['auditor']);
  await grow(40);
  size = await headSize();
}, 240_000);
afterAll(() => world.stop());

async function headSize(): Promise<number> {
  const [row] = await world.query<{ size: string }>('SELECT size FROM audit_head');
  return Number(row?.size);
}

/** Lets that many events happen. */
async function grow(count: number): Promise<void> {
  const before = await headSize();
  await world.query(
    `INSERT INTO audit_inbox (event_id, leaf)
     SELECT gen_random_uuid(), convert_to('{"kind":"run.closed","n":' || n || ',"outcome":"success"}', 'UTF8')
     FROM generate_series(1, $1) n`,
    [count],
  );
  await until(async () => (await headSize()) >= before + count, { deadlineMs: 30_000 });
}

async function get(query: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return fetch(`${world.baseUrl}/v1/audit/export${query}`, {
    headers: { authorization: `Bearer ${token}`, ...headers },
  });
}

async function verified(
  answer: Response,
): Promise<{ first: number | null; last: number | null; count: number }> {
  const result = await verifyExport(Readable.from([Buffer.from(await answer.arrayBuffer())]));
  expect(result.problems).toEqual([]);
  return { first: result.firstIndex, last: result.lastIndex, count: result.count };
}

describe('a range of an export is refused', () => {
  it.each([
    ['that has no number', '', 'entries=a-b', 422, 'request_invalid'],
    ['that is a suffix', '', 'entries=-5', 422, 'request_invalid'],
    ['that is several', '', 'entries=0-1,4-5', 422, 'request_invalid'],
    ['that ends before it begins', '', 'entries=5-3', 422, 'request_invalid'],
    ['beside from_index', '?from_index=1', 'entries=2-3', 422, 'request_invalid'],
    ['beside after', '?after=1', 'entries=2-3', 422, 'request_invalid'],
    ['beside to_index', '?to_index=4', 'entries=2-3', 422, 'request_invalid'],
    ['beyond the end', '', 'entries=900000-', 416, 'range_not_satisfiable'],
  ])('%s', async (_, query, range, status, code) => {
    const answer = await get(query, { range });
    expect(answer.status).toBe(status);
    expect(await answer.json()).toMatchObject({ code });
    if (status === 416) expect(answer.headers.get('content-range')).toMatch(/^entries \*\/\d+$/);
  });

  it.each(['?after=x', '?after=1&from_index=0'])('%s', async (query) => {
    expect((await get(query)).status).toBe(422);
  });
});

describe('a range of an export', () => {
  it('is 206 with the part, which verifies by itself', async () => {
    const answer = await get('', { range: 'entries=3-7' });
    expect(answer.status).toBe(206);
    expect(answer.headers.get('accept-ranges')).toBe('entries');
    expect(answer.headers.get('content-range')).toMatch(/^entries 3-7\/\d+$/);
    expect(await verified(answer)).toEqual({ first: 3, last: 7, count: 5 });
  });

  it('without an end goes to that of the log, and one beyond it is cut there', async () => {
    const open = await get('', { range: 'entries=4-' });
    expect(open.status).toBe(206);
    expect((await verified(open)).first).toBe(4);
    const cut = await get('', { range: `entries=4-${900_000}` });
    expect(cut.status).toBe(206);
    const [, last, whole] = /^entries 4-(\d+)\/(\d+)$/.exec(cut.headers.get('content-range') ?? '') ?? [];
    expect(Number(last)).toBe(Number(whole) - 1);
  });

  it('of bytes is passed over, as units that nobody knows are', async () => {
    const answer = await get('?to_index=5', { range: 'bytes=0-10' });
    expect(answer.status).toBe(200);
    expect(await verified(answer)).toMatchObject({ first: 0, count: 5 });
  });

  it('with If-Range is given only while that is the origin of the log, for the log never changes otherwise', async () => {
    const [row] = await world.query<{ origin: string }>('SELECT origin FROM audit_head');
    const same = await get('', { range: 'entries=1-2', 'if-range': `"${row?.origin}"` });
    expect(same.status).toBe(206);
    expect(same.headers.get('etag')).toBe(`"${row?.origin}"`);
    await same.arrayBuffer();
    const other = await get('?to_index=6', { range: 'entries=1-', 'if-range': '"another"' });
    expect(other.status).toBe(200);
    expect(await verified(other)).toMatchObject({ first: 0, count: 6 });
  });

  it('is compressed as a file of its own', async () => {
    const answer = await get('?compression=gzip', { range: 'entries=2-4' });
    expect(answer.status).toBe(206);
    const result = await verifyExport(Readable.from([gunzipSync(Buffer.from(await answer.arrayBuffer()))]));
    expect(result).toMatchObject({ ok: true, firstIndex: 2, lastIndex: 4 });
  });

  it('goes on behind an index, and parts put together are the whole', async () => {
    const first = await verified(await get('?to_index=6'));
    const next = await verified(await get(`?after=${first.last}&to_index=${size}`));
    expect(next).toMatchObject({ first: 6, last: size - 1 });
    const nothing = await get('?after=900000');
    expect(nothing.status).toBe(200);
    expect(await verified(nothing)).toMatchObject({ count: 0 });
  });
});

describe('entries that were archived', () => {
  it('are refused by name before the first byte, and left out where nobody asked for them', async () => {
    // As retention leaves them.
    await world.query(`SELECT cut_audit_part(((SELECT size FROM audit_head) + 255) / 256 * 256)`);
    const [part] = await world.query<{ to_idx: string }>('SELECT to_idx FROM audit_part WHERE from_idx = 0');
    const end = Number(part?.to_idx);
    await grow(300);
    await world.query(
      `INSERT INTO audit_archive (from_idx, class, state, kinds, entries, first_at, last_at, file, sha256, members)
       VALUES (0, 'old', 'removed', '{run.closed}', 1, now(), now(), 'x/old.jsonl.gz', sha256('x'), '\\x01')`,
    );
    for (const [query, headers] of [
      ['?from_index=0', {}],
      ['?to_index=10', {}],
      ['', { range: 'entries=10-400' }],
    ] as const) {
      const answer = await get(query, headers);
      expect(answer.status).toBe(410);
      expect(await answer.json()).toMatchObject({
        code: 'entries_archived',
        detail: expect.stringContaining('x/old.jsonl.gz') as string,
      });
    }
    const whole = await get('');
    expect(whole.headers.get('leasegate-export-archived-before')).toBe(String(end));
    expect((await verified(whole)).first).toBe(end);
    // Before its first checkpoint, which takes a moment, a log has no bundle at all.
    await until(async () => (await world.query('SELECT 1 FROM audit_checkpoint')).length > 0, {
      deadlineMs: 30_000,
      what: 'a signed checkpoint',
    });
    const bundle = await fetch(`${world.baseUrl}/v1/audit/bundle?from_index=0`, {
      headers: { authorization: `Bearer ${token}` },
    });
    expect(bundle.status).toBe(410);
    const filtered = await get('?kind=run.closed');
    expect(filtered.headers.get('leasegate-export-archived-before')).toBe(String(end));
    expect(filtered.status).toBe(200);
    expect((await get('?kind=grant.created')).headers.get('leasegate-export-archived-before')).toBeNull();
  }, 240_000);
});
