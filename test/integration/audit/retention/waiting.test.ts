import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LogCheck } from '../../../../src/audit/log/log-check.js';
import { openRetained, type RetainedLog } from './retention-parts.js';

let parts: RetainedLog;

beforeAll(async () => {
  parts = await openRetained(
    { waitAtMostDays: 30 },
    {
      sinks: {
        receivers: [
          { kind: 'file', name: 'all', path: '/nowhere/all', begin: 'first' },
          { kind: 'file', name: 'runs', path: '/nowhere/runs', begin: 'first', kinds: ['run.*'] },
          { kind: 'file', name: 'late', path: '/nowhere/late', begin: 'now' },
        ],
      },
      exports: [{ name: 'nightly', every: '1d', directory: '/nowhere' }],
    },
  );
  await parts.offer(400);
  await parts.cut();
  await parts.offer(10);
  parts.clock.days = 61;
});
afterAll(() => parts.stop());

const sql = (text: string): Promise<unknown> => parts.log.dataSource.query(text);
const did = async (): Promise<string[]> => (await parts.maintenance.retention.run()).map((step) => step.did);
const waits = async (): Promise<unknown[]> => {
  await parts.log.sequencer().drain();
  const rows = await parts.log.dataSource.query<{ leaf: Buffer }[]>(
    `SELECT leaf FROM audit_entry WHERE kind = 'audit.retention_waits'`,
  );
  return rows.map(({ leaf }) => (JSON.parse(leaf.toString()) as { data: unknown }).data);
};
const gone = async (): Promise<number[]> => {
  const found: number[] = [];
  for (const n of [0, 1])
    for (const { index } of (await new LogCheck(parts.log.transactions).tile(n)) ?? []) found.push(index);
  return found;
};

describe('entries past their age', () => {
  it('stay while a sink or a scheduled export has not read them, which is said once', async () => {
    expect(await did()).toEqual(['waits']);
    expect(await did()).toEqual(['waits']);
    expect(await waits()).toMatchObject([{ class: 'leases', readers: ['sink all', 'export nightly'] }]);
    await sql(`INSERT INTO sinks (name, kind, next_index, created_at) VALUES ('all', 'file', 512, now())`);
    expect(await did()).toEqual(['waits']);
  });

  it('leave once all have, whoever else is behind with other kinds, or is in the settings no more', async () => {
    await sql(`INSERT INTO sinks (name, kind, next_index, created_at) VALUES ('gone', 'file', 0, now())`);
    await sql(
      `INSERT INTO scheduled_exports (name, next_index, next_at, created_at) VALUES ('nightly', 511, now(), now())`,
    );
    expect(await did()).toEqual(['archived', 'removed']);
  });

  it('are missing by their index alone: one that was taken out besides is found, also beside one that was put in', async () => {
    expect(await gone()).toEqual([]);
    const rows = await parts.log.dataSource.query<{ idx: number }[]>(
      'SELECT idx::int FROM audit_entry WHERE idx < 512 ORDER BY idx',
    );
    const there = new Set(rows.map(({ idx }) => idx));
    const [archived = -1, taken = -1] = [
      [...Array(512).keys()].find((index) => !there.has(index)),
      rows[7]?.idx,
    ];
    const { transactions } = parts.log;
    class Undo extends Error {}
    await expect(
      transactions.run(async (tx) => {
        await tx.query('SET LOCAL session_replication_role = replica');
        await tx.query('UPDATE audit_entry SET idx = $1 WHERE idx = $2', [archived, taken]);
        const check = new LogCheck({ reads: tx } as typeof transactions);
        const found = [...((await check.tile(0)) ?? []), ...((await check.tile(1)) ?? [])];
        expect(found.map(({ index, problem }) => [index, problem])).toEqual(
          [
            [archived, 'the leaf is not the one that the tree has'],
            [taken, 'the entry is gone'],
          ].sort(([a], [b]) => Number(a) - Number(b)),
        );
        throw new Undo();
      }),
    ).rejects.toThrow(Undo);
  });

  it('leave all the same after the longest wait', async () => {
    parts.clock.days = 366;
    expect(await did()).toEqual(['destroyed', 'waits']);
    parts.clock.days = 395;
    expect(await did()).toEqual(['waits']);
    parts.clock.days = 397;
    expect(await did()).toEqual(['archived', 'removed']);
    expect(await gone()).toEqual([]);
  });
});
