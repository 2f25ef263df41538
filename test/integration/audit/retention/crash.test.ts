import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LogCheck } from '../../../../src/audit/log/log-check.js';
import type { CrashPoint } from '../../../../src/kernel/crash-point.js';
import { buildOnce } from '../../../support/build-once.js';
import { until } from '../../../support/until.js';
import { CALLER } from '../log-parts.js';
import { archive, archiveUntil, startArchive } from './archive-process.js';
import { openRetained, type RetainedLog } from './retention-parts.js';

const ARCHIVING: readonly CrashPoint[] = [
  'archive.written',
  'archive.verified',
  'archive.recorded',
  'archive.remove.before-commit',
  'archive.removed',
];
const DESTROYING: readonly CrashPoint[] = ['archive.destroy.before-commit', 'archive.destroyed'];
/** Entries that go; the others of their part stay. */
const OLD = 300;

let parts: RetainedLog;
let before: unknown[];

beforeAll(() => buildOnce(), 240_000);
beforeEach(async () => {
  parts = await openRetained();
  const leaf = `{"kind":"grant.created","n":%,"outcome":"success","time":"2020-01-31T12:00:00.000Z"}`;
  await parts.log.dataSource.query(
    `INSERT INTO audit_inbox (event_id, leaf)
     SELECT gen_random_uuid(), convert_to(replace($1, '%', n::text), 'UTF8') FROM generate_series(1, ${OLD}) n`,
    [leaf],
  );
  await parts.log.sequencer().drain();
  await parts.cut();
  // The part was cut long ago; its entries of other kinds are of today, and stay.
  await parts.log.dataSource.query(`UPDATE audit_part SET cut_at = '2020-02-01' WHERE to_idx IS NOT NULL`);
  before = await entries();
}, 240_000);
afterEach(() => parts.stop());

const entries = (): Promise<unknown[]> =>
  parts.log.dataSource.query('SELECT idx, kind, leaf FROM audit_entry WHERE idx < 512 ORDER BY idx');
const fileIsThere = (): boolean =>
  existsSync(join(parts.directory, '000000000000-000000000512', 'leases.jsonl.gz'));
const restore = (): Promise<number> => parts.maintenance.retention.restore(CALLER, 0, 'leases');

async function events(): Promise<string[]> {
  await parts.log.sequencer().drain();
  const kinds = await parts.log.dataSource.query<{ kind: string }[]>(
    `SELECT kind FROM audit_entry WHERE kind IN ('audit.archived', 'audit.removed', 'audit.restored', 'audit.destroyed')
     ORDER BY idx`,
  );
  return kinds.map(({ kind }) => kind);
}

/** The entries are in the file and nowhere else, that was said once, and they can be brought back. */
async function isArchivedOnce(): Promise<void> {
  expect(await entries()).toHaveLength(before.length - OLD);
  expect(await new LogCheck(parts.log.transactions).tile(0)).toEqual([]);
  expect(await events()).toEqual(['audit.archived', 'audit.removed']);
  expect(await restore()).toBe(OLD);
  expect(await entries()).toEqual(before);
}

/** The entries are nowhere, and that was said once. */
async function isDestroyedOnce(earlier: readonly string[]): Promise<void> {
  expect(await entries()).toHaveLength(before.length - OLD);
  expect(fileIsThere()).toBe(false);
  expect(await new LogCheck(parts.log.transactions).tile(0)).toEqual([]);
  expect(await events()).toEqual([...earlier, 'audit.destroyed']);
  await expect(restore()).rejects.toMatchObject({
    code: expect.stringMatching(/conflict|not_found/) as string,
  });
}

/** Freezes one at a point, has another do its work, and lets the first one go on; answers how that one ended. */
async function overtaken(point: CrashPoint, destroys: boolean): Promise<string | number | null> {
  const zombie = await startArchive(parts, `${point}:freeze`, destroys);
  try {
    await zombie.stopped();
    // Whatever it holds, the log is read again within seconds.
    await until(async () => (await entries()).length > 0, { deadlineMs: 60_000, what: 'the log' });
    await archive(parts, destroys);
  } finally {
    zombie.thaw();
  }
  return zombie.ended;
}

describe('archiving that is killed', () => {
  it.each(ARCHIVING)('at %s loses nothing, and is done by the next one', { timeout: 240_000 }, async (at) => {
    expect(await archiveUntil(parts, `${at}:kill`)).toBe('SIGKILL');
    expect(await entries()).toHaveLength(at === 'archive.removed' ? before.length - OLD : before.length);
    await archive(parts);
    await isArchivedOnce();
  });
});

describe('archiving that stands still', () => {
  it.each(ARCHIVING)(
    'at %s is overtaken by another, and changes nothing when it goes on',
    { timeout: 240_000 },
    async (at) => {
      // What it had committed before is done; what it had not is refused.
      expect((await overtaken(at, false)) === 0).toBe(at === 'archive.removed');
      await isArchivedOnce();
    },
  );
});

/** Where the entries are when they are to be destroyed, and the events that led there. */
const BEGINNINGS: Readonly<Record<string, { begin(): Promise<void>; readonly events: readonly string[] }>> = {
  'in the database': { begin: async () => undefined, events: [] },
  'in a file': {
    begin: () => archive(parts),
    events: ['audit.archived', 'audit.removed'],
  },
  'in a file and brought back': {
    begin: async () => {
      await archive(parts);
      await restore();
    },
    events: ['audit.archived', 'audit.removed', 'audit.restored'],
  },
};
const CELLS = DESTROYING.flatMap((at) => Object.keys(BEGINNINGS).map((where) => ({ at, where })));

describe('destroying that is killed', () => {
  it.each(CELLS)('at $at, of what is $where', { timeout: 240_000 }, async ({ at, where }) => {
    const beginning = BEGINNINGS[where];
    await beginning?.begin();
    const [rows, file] = [await entries(), fileIsThere()];
    expect(await archiveUntil(parts, `${at}:kill`, true)).toBe('SIGKILL');
    // The record comes first: a file may outlive it, and never the other way round.
    expect(fileIsThere()).toBe(file);
    expect(await entries()).toEqual(at === 'archive.destroyed' ? before.slice(OLD) : rows);
    await archive(parts, true);
    await isDestroyedOnce(beginning?.events ?? []);
  });

  it(
    'leaves no file behind of entries that were being archived when a kill came',
    { timeout: 240_000 },
    async () => {
      expect(await archiveUntil(parts, 'archive.written:kill')).toBe('SIGKILL');
      expect(fileIsThere()).toBe(true);
      await archive(parts, true);
      await isDestroyedOnce([]);
    },
  );
});

describe('destroying that stands still', () => {
  it.each(CELLS.filter(({ where }) => where !== 'in a file and brought back'))(
    'at $at, of what is $where, is overtaken',
    { timeout: 240_000 },
    async ({ at, where }) => {
      const beginning = BEGINNINGS[where];
      await beginning?.begin();
      expect((await overtaken(at, true)) === 0).toBe(at === 'archive.destroyed');
      await isDestroyedOnce(beginning?.events ?? []);
    },
  );
});
