import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LogCheck } from '../../../src/audit/log/log-check.js';
import { movePlain, NotPlain, readPlain } from '../../../src/audit/plain-batch.js';
import { columnsOf, type EventColumns } from '../../../src/audit/stored-event.js';
import { leafHash } from '../../../src/tlog/hash.js';
import { checkLog, offerMany, openLog, type LogParts } from './log-parts.js';

let parts: LogParts;
beforeEach(async () => {
  parts = await openLog(50);
});
afterEach(() => parts.stop());

const LEASE = '01890a5d-ac96-774b-bcce-b302099a8057';
const TIME = '2026-11-21T10:00:00.000Z';
const leafOf = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const offer = (leaves: readonly Buffer[]): Promise<unknown> =>
  parts.dataSource.query(
    'INSERT INTO audit_inbox (event_id, leaf) SELECT * FROM unnest($1::uuid[], $2::bytea[])',
    [leaves.map(() => parts.ids.uuid()), leaves],
  );

const SQL_COLUMNS = {
  kind: 'kind',
  outcome: 'outcome',
  code: 'code',
  actorIssuer: 'actor_issuer',
  actorSubject: 'actor_subject',
  workloadIssuer: 'workload_issuer',
  workloadSubject: 'workload_subject',
  grantId: 'grant_id',
  grantVersion: 'grant_version',
  runRef: 'run_ref',
  runId: 'run_id',
  stepId: 'step_id',
  leaseId: 'lease_id',
  credential: 'credential',
  tool: 'tool',
  requestId: 'request_id',
  accountHmac: 'account_hmac',
} as const satisfies Partial<Record<keyof EventColumns, string>>;

class Undone extends Error {}

/** Takes one leaf as PostgreSQL reads it; undefined where it is left to us. Nothing of it stays. */
async function takenApart(leaf: Buffer): Promise<Record<string, unknown> | undefined> {
  let row: Record<string, unknown> | undefined;
  try {
    await parts.transactions.run(async (tx) => {
      await tx.query('INSERT INTO audit_inbox (event_id, leaf) VALUES ($1, $2)', [parts.ids.uuid(), leaf]);
      const { seqs, hashes } = await readPlain(tx, 10);
      expect(hashes).toEqual([leafHash(leaf)]);
      expect(await movePlain(tx, seqs, 0)).toBe(1);
      [row] = await tx.query<Record<string, unknown>[]>('SELECT * FROM audit_entry');
      throw new Undone();
    });
  } catch (error) {
    if (error instanceof NotPlain) return undefined;
    if (!(error instanceof Undone)) throw error;
  }
  return row;
}

async function expectSame(leaf: Buffer): Promise<boolean> {
  const row = await takenApart(leaf);
  if (row === undefined) return false;
  const columns = columnsOf(leaf);
  for (const [name, column] of Object.entries(SQL_COLUMNS))
    expect([name, row[column]]).toEqual([name, columns[name as keyof EventColumns]]);
  expect((row['occurred_at'] as Date).toISOString()).toBe(columns.occurredAt);
  expect((row['leaf'] as Buffer).equals(leaf)).toBe(true);
  return true;
}

describe('events that PostgreSQL takes apart', () => {
  it.each([
    ['no JSON', Buffer.from('{ ')],
    ['no UTF-8', Buffer.of(0x22, 0xff, 0x22)],
    ['no object', leafOf([1])],
    ['without a time', leafOf({ kind: 'x' })],
    ['of another day than any', leafOf({ kind: 'x', time: '2026-02-30T00:00:00.000Z' })],
    ['of a second that only PostgreSQL knows', leafOf({ kind: 'x', time: '2026-11-21T10:00:60.000Z' })],
    ['of an id that is none', leafOf({ kind: 'x', time: TIME, lease_id: 'x' })],
    ['of an id in capital letters', leafOf({ kind: 'x', time: TIME, lease_id: LEASE.toUpperCase() })],
    ['of a time that is not ours', leafOf({ kind: 'x', time: 'yesterday' })],
    ['with a character that no text has', leafOf({ kind: 'a\0b', time: TIME })],
    ['with half a character', Buffer.from(`{"kind":"\\ud800","time":"${TIME}"}`)],
    ['with a number for a name', leafOf({ kind: 'x', time: TIME, credential: 7 })],
    ['with a version that is none', leafOf({ kind: 'x', time: TIME, grant: { version: 2 ** 40 } })],
    ['of work without a name', leafOf({ kind: 'x', time: TIME, actor: { type: 'system' } })],
    [
      'nested too deeply',
      Buffer.from(`{"kind":"x","time":"${TIME}","data":${'['.repeat(30_000)}${']'.repeat(30_000)}}`),
    ],
  ])('leave one that is %s to us, and it gets to the log', async (_, leaf) => {
    expect(await takenApart(leaf)).toBeUndefined();
    await offerMany(parts, 3);
    await offer([leaf]);
    await offerMany(parts, 3);
    expect(await parts.sequencer().drain()).toBe(7);
    expect((await checkLog(parts)).size).toBe(7);
  });

  it('have the columns that we would give them, whatever they say', async () => {
    const text = fc.oneof(
      fc.constantFrom(
        'lease.issued',
        'system',
        'anonymous',
        LEASE,
        LEASE.toUpperCase(),
        '',
        '\u{1F511}'.repeat(600),
      ),
      fc.string({ unit: 'binary', maxLength: 700 }),
    );
    const any = fc.oneof({ weight: 6, arbitrary: text }, fc.constant(undefined), fc.jsonValue());
    const id = fc.oneof({ weight: 30, arbitrary: fc.constant(LEASE) }, any);
    const number = fc.oneof({ weight: 20, arbitrary: fc.nat(1_000) }, fc.integer(), fc.double(), any);
    const of = (model: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> =>
      fc.oneof({ weight: 9, arbitrary: fc.record(model, { requiredKeys: [] }) }, fc.jsonValue());
    const event = fc.record(
      {
        time: fc.oneof({ weight: 9, arbitrary: fc.constant(TIME) }, any),
        ...Object.fromEntries(
          ['kind', 'outcome', 'code', 'step_id', 'credential', 'request_id'].map((name) => [name, text]),
        ),
        lease_id: id,
        actor: of({ type: text, issuer: text, subject: text, name: text }),
        workload: of({ issuer: text, subject: text }),
        grant: of({ id, version: number }),
        run: of({ ref: id, run_id: text }),
        tool: of({ name: text }),
        data: of({ account: any }),
      },
      { requiredKeys: ['time'] },
    );
    let plain = 0;
    await fc.assert(
      fc.asyncProperty(event, async (value) => {
        if (await expectSame(leafOf(value))) plain += 1;
      }),
      { seed: 20_261_121, numRuns: 300 },
    );
    expect(plain).toBeGreaterThan(50);
  });

  it('are all that the broker writes, and the watch over the log finds nothing wrong with them', async () => {
    await offerMany(parts, 256);
    await parts.transactions.run(async (tx) => {
      const { seqs, hashes } = await readPlain(tx, 256);
      expect(hashes).toHaveLength(256);
      expect(await movePlain(tx, seqs, 0)).toBe(256);
      await tx.query('ROLLBACK');
      await tx.query('BEGIN');
    });
    expect(await parts.sequencer().drain()).toBe(256);
    expect(await new LogCheck(parts.transactions).tile(0)).toEqual([]);
  });
});
