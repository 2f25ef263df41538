import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuditExport } from '../../../src/export/audit-export.js';
import { ExportScopes } from '../../../src/export/export-scope.js';
import { LogParts as Parts } from '../../../src/audit/retention/parts.js';
import { PresentEntries } from '../../../src/export/present-range.js';
import { hasCode } from '../../../src/kernel/broker-error.js';
import { Checkpoints } from '../../../src/audit/log/checkpoints.js';
import { SilentLog } from '../../../src/kernel/log.js';
import { verifyExport } from '../../../src/sdk/verify-export.js';
import { keptMemory } from '../../support/kept-memory.js';
import { until } from '../../support/until.js';
import { CALLER, offerMany, openLog, type LogParts } from '../audit/log-parts.js';

const EVENTS = 50_000;
const PAD_BYTES = 1_500;
let parts: LogParts;
let exports: AuditExport;

beforeAll(async () => {
  parts = await openLog(5_000);
  exports = new AuditExport(
    parts.settings,
    new SilentLog(),
    parts.ids,
    parts.inbox,
    new ExportScopes(
      parts.query,
      parts.tree,
      new Checkpoints(parts.transactions),
      new PresentEntries(new Parts(parts.transactions)),
    ),
  );
  await offerMany(parts, EVENTS, PAD_BYTES);
  await parts.sequencer().drain();
}, 240_000);
afterAll(() => parts.stop());

/** Connections of exports that the database has at this moment. */
async function connections(): Promise<number> {
  const rows = await parts.dataSource.query<unknown[]>(
    `SELECT 1 FROM pg_stat_activity WHERE application_name = 'leasegate-export' AND datname = current_database()`,
  );
  return rows.length;
}

const textOf = async (stream: Readable): Promise<string> =>
  Buffer.concat((await stream.toArray()) as Buffer[]).toString();

describe('export', () => {
  it('refuses malformed filters, and records nothing', async () => {
    const before = await parts.query.backlog();
    const error: unknown = await exports
      .stream(CALLER, { lease: 'x' }, 'jsonl')
      .catch((thrown: unknown) => thrown);
    expect(hasCode(error, 'request_invalid')).toBe(true);
    expect(await parts.query.backlog()).toMatchObject({ count: before.count });
    expect(await connections()).toBe(0);
  });

  it('refuses more than a few at once, and takes them again afterwards', async () => {
    const open = await Promise.all([1, 2, 3, 4].map(() => exports.stream(CALLER, {}, 'jsonl')));
    const error: unknown = await exports.stream(CALLER, {}, 'jsonl').catch((thrown: unknown) => thrown);
    expect(hasCode(error, 'overloaded')).toBe(true);
    for (const stream of open) stream.destroy();
    // The server sees a connection go before the export does.
    const again = await until(() =>
      exports.stream(CALLER, {}, 'jsonl').catch((thrown: unknown) => {
        if (!hasCode(thrown, 'overloaded')) throw thrown;
        return undefined;
      }),
    );
    again.destroy();
    await until(async () => (await connections()) === 0);
  });

  it('lets go of the database when its reader goes away, also in the middle of a query that waits', async () => {
    const reading = await exports.stream(CALLER, {}, 'jsonl');
    await new Promise((resolve) => reading.once('data', resolve));
    reading.pause();
    expect(await connections()).toBe(1);
    reading.destroy();
    await until(async () => (await connections()) === 0);

    const locker = parts.dataSource.createQueryRunner();
    try {
      await locker.startTransaction();
      await locker.query('LOCK TABLE audit_entry IN ACCESS EXCLUSIVE MODE');
      const waiting = await exports.stream(CALLER, {}, 'csv');
      waiting.resume();
      await until(async () => {
        const [row] = await parts.dataSource.query<{ waits: boolean }[]>(
          `SELECT wait_event_type = 'Lock' AS waits FROM pg_stat_activity
           WHERE application_name = 'leasegate-export' AND datname = current_database()`,
        );
        return row?.waits;
      });
      waiting.destroy();
      await until(async () => (await connections()) === 0);
    } finally {
      await locker.rollbackTransaction();
      await locker.release();
    }
  });

  it('fails, and does not verify, when the database goes away', async () => {
    const stream = await exports.stream(CALLER, {}, 'jsonl');
    const chunks: Buffer[] = [];
    await expect(
      (async () => {
        for await (const chunk of stream) {
          chunks.push(chunk as Buffer);
          if (chunks.length === 5) {
            await parts.dataSource.query(
              `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE application_name = 'leasegate-export' AND datname = current_database()`,
            );
          }
        }
      })(),
    ).rejects.toThrow();
    const { ok, problems } = await verifyExport(Readable.from([Buffer.concat(chunks)]));
    expect(ok).toBe(false);
    expect(problems.at(-1)?.problem).toContain('cut off');
  });

  it('streams 50,000 events under bounded memory, waits for its reader, and verifies', async () => {
    const used = (): number => {
      const { heapUsed, external } = keptMemory();
      return heapUsed + external;
    };
    const before = used();
    let most = 0;
    let bytes = 0;
    let chunks = 0;
    const head = await parts.query.head();
    const stream = await exports.stream(CALLER, {}, 'jsonl');
    const measured = async function* (): AsyncGenerator<Buffer, void, void> {
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        bytes += chunk.length;
        chunks += 1;
        if (chunks % 20 === 0) most = Math.max(most, used() - before);
        yield chunk;
      }
    };
    const result = await verifyExport(measured(), { expectedHead: head });
    expect(result).toMatchObject({ ok: true, problems: [], count: head.size, rootHash: head.rootHash });
    expect(bytes).toBeGreaterThan(EVENTS * PAD_BYTES);
    expect(most).toBeLessThan(24 * 1024 * 1024);
  }, 240_000);

  it('ends at the size that it began with, though the log grows meanwhile', async () => {
    const { size } = await parts.query.head();
    const stream = await exports.stream(CALLER, { fromIndex: size - 12_000 }, 'jsonl');
    await offerMany(parts, 500);
    await parts.sequencer().drain();
    const result = await verifyExport(stream as AsyncIterable<Buffer>);
    expect(result).toMatchObject({
      ok: true,
      firstIndex: size - 12_000,
      lastIndex: size - 1,
      filtered: false,
    });
    expect((await parts.query.head()).size).toBeGreaterThan(size);
  });

  it('of a range between two indexes verifies, as does one that is empty', async () => {
    const range = await verifyExport(
      (await exports.stream(CALLER, { fromIndex: 4_990, toIndex: 10_010 }, 'jsonl')) as AsyncIterable<Buffer>,
    );
    expect(range).toMatchObject({ ok: true, count: 5_020, firstIndex: 4_990, lastIndex: 10_009 });
    const empty = await verifyExport(
      (await exports.stream(CALLER, { fromIndex: 7, toIndex: 7 }, 'jsonl')) as AsyncIterable<Buffer>,
    );
    expect(empty).toMatchObject({ ok: true, count: 0 });
  });

  it('with a filter has every match and no more, over several windows', async () => {
    const { size } = await parts.query.head();
    const stream = await exports.stream(
      CALLER,
      { run: 'run-3', kinds: ['run.closed'], toIndex: EVENTS },
      'jsonl',
    );
    const result = await verifyExport(stream as AsyncIterable<Buffer>);
    expect(result).toMatchObject({ ok: true, filtered: true, count: EVENTS / 10, rootHash: null });
    expect(size).toBeGreaterThanOrEqual(EVENTS);
  });

  it('as CSV has a line of names and one record per entry', async () => {
    const text = await textOf(await exports.stream(CALLER, { toIndex: 20 }, 'csv'));
    const records = text.trimEnd().split('\r\n');
    expect(records).toHaveLength(21);
    expect(records[0]).toMatch(/^index,time,kind,outcome,code,/);
    expect(records[20]).toMatch(/^19,/);
  });

  it.each(['parquet', 'ocsf', 'cef'] as const)(
    'as %s has every entry of a range, compressed too',
    async (format) => {
      const stream = await exports.stream(CALLER, { toIndex: 3_000 }, format, { compression: 'zstd' });
      let bytes = 0;
      for await (const piece of stream as AsyncIterable<Buffer>) bytes += piece.length;
      expect(bytes).toBeGreaterThan(10_000);
      await parts.sequencer().drain();
      const { items } = await parts.query.list({ kinds: ['audit.export_finished'] }, { limit: 1 });
      expect(items[0]?.event['data']).toMatchObject({
        ...{ export_id: stream.about.exportId, format, compression: 'zstd' },
        ...{ from_index: 0, to_index: 3_000, count: 3_000, bytes, filtered: false },
      });
    },
  );

  it('compressed by gzip verifies once it is plain again, and its checksum is in the log', async () => {
    const stream = await exports.stream(CALLER, { toIndex: 3_000 }, 'jsonl', { compression: 'gzip' });
    const file = Buffer.concat((await stream.toArray()) as Buffer[]);
    expect(await verifyExport(Readable.from([gunzipSync(file)]))).toMatchObject({ ok: true, count: 3_000 });
    await parts.sequencer().drain();
    const { items } = await parts.query.list({ kinds: ['audit.export_finished'] }, { limit: 1 });
    expect(items[0]?.event['data']).toMatchObject({
      sha256: createHash('sha256').update(file).digest('hex'),
    });
  });

  it('is recorded before the first byte, with the filters and without the plain account', async () => {
    const { size } = await parts.query.head();
    const stream = await exports.stream(CALLER, { account: 'v-user-9', from: new Date(0), run: '42' }, 'csv');
    stream.destroy();
    await parts.sequencer().drain();
    const { items } = await parts.query.list({ kinds: ['audit.exported'] }, { limit: 1 });
    expect(items[0]?.event).toMatchObject({
      actor: { subject: 'alice' },
      request_id: 'req-of-test',
      data: { format: 'csv', from_index: 0, to_index: size, filtered: true },
    });
    const { filters } = items[0]?.event['data'] as { filters: string[] };
    expect([...filters].sort()).toEqual(
      [`account=${parts.inbox.hmac('v-user-9')}`, 'from=1970-01-01T00:00:00.000Z', 'run=42'].sort(),
    );
  });
});
