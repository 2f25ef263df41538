import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LogCheck } from '../../src/audit/log/log-check.js';
import type { Tx } from '../../src/database/transaction.js';
import { offerMany } from '../integration/audit/log-parts.js';
import { openSignedLog, type SignedLog } from '../integration/audit/signed-log.js';

const SIZE = 600;
const COLUMNS = [
  'kind',
  'outcome',
  'code',
  'actor_issuer',
  'actor_subject',
  'workload_issuer',
  'workload_subject',
  'run_id',
  'step_id',
  'credential',
  'tool',
  'request_id',
  'account_hmac',
];

let log: SignedLog;
let oldNote: string;

beforeAll(async () => {
  log = await openSignedLog();
  await offerMany(log, 300);
  await log.sequencer().drain();
  oldNote = (await log.writer().write())!.note;
  await offerMany(log, 300);
  await log.sequencer().drain();
  await log.writer().write();
}, 240_000);
afterAll(() => log.stop());

class Undo extends Error {}

/** What a superuser does, and what is said about it; the database is as before afterwards. */
async function tampered<T>(statements: readonly string[], look: (on: SignedLog) => Promise<T>): Promise<T> {
  let seen: { readonly value: T } | undefined;
  const undone = log.transactions.run(async (tx) => {
    await tx.query('SET LOCAL session_replication_role = replica');
    for (const statement of statements) await tx.query(statement);
    seen = { value: await look(over(tx)) };
    throw new Undo();
  });
  await undone.catch((error: unknown) => {
    if (!(error instanceof Undo)) throw error;
  });
  return seen!.value;
}

/** The log as one transaction sees it: everything is read through that. */
function over(tx: Tx): SignedLog {
  return {
    ...log,
    transactions: { reads: tx, run: (work: (inner: Tx) => Promise<unknown>) => work(tx) },
  } as SignedLog;
}

/** What going round the log finds. */
async function findings(on: SignedLog): Promise<string> {
  const check = new LogCheck(on.transactions);
  const found: string[] = [];
  for (let n = 0; ; n += 1) {
    const tile = await check.tile(n);
    if (tile === undefined) return found.join('; ');
    found.push(...tile.map(({ index, problem }) => `entry ${index}: ${problem}`));
  }
}

describe('what a superuser does to the database is found by going round it:', () => {
  const TABLE: readonly (readonly [what: string, statements: readonly string[], named: RegExp])[] = [
    ...COLUMNS.map((column): [string, string[], RegExp] => [
      `another ${column}`,
      [`UPDATE audit_entry SET ${column} = coalesce(${column}, '') || 'x' WHERE idx = 130`],
      new RegExp(`^entry 130: the column ${column} says something else than the leaf$`),
    ]),
    ...['grant_id', 'run_ref', 'lease_id', 'event_id'].map((column): [string, string[], RegExp] => [
      `another ${column}`,
      [`UPDATE audit_entry SET ${column} = gen_random_uuid() WHERE idx = 130`],
      new RegExp(`^entry 130: the column ${column} says something else than the leaf$`),
    ]),
    [
      'another grant_version',
      ['UPDATE audit_entry SET grant_version = 7 WHERE idx = 130'],
      /^entry 130: the column grant_version/,
    ],
    [
      'an event that is backdated for searches',
      [`UPDATE audit_entry SET occurred_at = occurred_at - interval '1 day' WHERE idx = 130`],
      /^entry 130: the column occurred_at/,
    ],
    [
      'a bit of a leaf',
      ['UPDATE audit_entry SET leaf = set_bit(leaf, 100, 1 - get_bit(leaf, 100)) WHERE idx = 130'],
      /^entry 130: the leaf is not the one that the tree has$/,
    ],
    [
      'an entry that is deleted',
      ['DELETE FROM audit_entry WHERE idx = 130'],
      /^entry 130: the entry is gone$/,
    ],
    [
      'two entries that are swapped',
      [
        'UPDATE audit_entry SET idx = 100000 WHERE idx = 10',
        'UPDATE audit_entry SET idx = 10 WHERE idx = 11',
        'UPDATE audit_entry SET idx = 11 WHERE idx = 100000',
      ],
      /^entry 10: the leaf is not .*; entry 11: the leaf is not/,
    ],
    [
      'an entry that is put in the place of another',
      ['DELETE FROM audit_entry WHERE idx = 11', 'UPDATE audit_entry SET idx = 11 WHERE idx = 10'],
      /^entry 10: the entry is gone; entry 11: the leaf is not/,
    ],
    ['a part that is dropped', ['DROP TABLE audit_entry_0'], /^entry 0: the entry is gone; entry 1: /],
    [
      'a tile that is another',
      ['UPDATE audit_tile SET hashes = set_bit(hashes, 9, 1 - get_bit(hashes, 9)) WHERE level = 0 AND n = 1'],
      /^entry 256: tile 1 of the log does not have the root/,
    ],
    [
      'a tile that fits another log',
      [
        `UPDATE audit_tile t SET hashes = o.hashes, root = o.root FROM audit_tile o WHERE t.level = 0 AND t.n = 1 AND o.level = 0 AND o.n = 0`,
      ],
      /^entry 256: the leaf is not the one/,
    ],
    [
      'a tile that is gone',
      ['DELETE FROM audit_tile WHERE level = 0 AND n = 1'],
      /^entry 256: tile 1 of the log is gone$/,
    ],
  ];

  it('nothing where nothing is', async () => {
    expect(await tampered([], findings)).toBe('');
  });

  it.each(TABLE)('%s', async (_, statements, named) => {
    expect(await tampered(statements, findings)).toMatch(named);
  });
});

describe('what a superuser does to the end of the log stops the sequencer or the signer:', () => {
  const DAMAGED = /end of the log at size 600 does not have the root|level 0 has \d+ of 88 hashes/;
  it.each([
    [
      'the last entry is changed',
      `UPDATE audit_entry SET leaf = '{"forged":true}' WHERE idx = ${SIZE - 1}`,
      DAMAGED,
    ],
    ['the last entry is deleted', `DELETE FROM audit_entry WHERE idx = ${SIZE - 1}`, DAMAGED],
    ['the root of a tile is changed', `UPDATE audit_tile SET root = sha256('x') WHERE n = 0`, DAMAGED],
    ['the head names another root', `UPDATE audit_head SET root_hash = sha256('x')`, DAMAGED],
    [
      'an entry is added behind the head',
      `INSERT INTO audit_entry (idx, event_id, kind, occurred_at, outcome, leaf) SELECT ${SIZE}, gen_random_uuid(), kind, occurred_at, outcome, leaf FROM audit_entry WHERE idx = 0`,
      /duplicate key value/,
    ],
  ])('%s', async (_, statement, named) => {
    const failure = tampered([statement], async (on) => {
      await offerMany({ ...on, dataSource: on.transactions.reads } as unknown as SignedLog, 1);
      return log.sequencer(on.transactions).drain();
    });
    await expect(failure).rejects.toThrow(named);
  });
});

it('an old checkpoint put back in the database is not what is served next, and is true of the log as it is', async () => {
  await log.transactions.run(async (tx) => {
    await tx.query('SET LOCAL session_replication_role = replica');
    await tx.query('DELETE FROM audit_checkpoint WHERE size > 300');
  });
  expect((await log.checkpoints.newest())?.note).toBe(oldNote);
  expect((await log.writer().write())?.size).toBe(SIZE);
});
