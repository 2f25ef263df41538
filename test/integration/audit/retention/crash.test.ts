import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LogCheck } from '../../../../src/audit/log/log-check.js';
import { leasegateProgram, writeSettings } from '../../../../src/dev/dev-broker.js';
import type { CrashPoint } from '../../../../src/kernel/crash-point.js';
import { buildOnce } from '../../../support/build-once.js';
import { openRetained, type RetainedLog } from './retention-parts.js';

const POINTS: readonly CrashPoint[] = [
  'archive.written',
  'archive.verified',
  'archive.recorded',
  'archive.remove.before-commit',
  'archive.removed',
];
let parts: RetainedLog;
let before: unknown[];

beforeAll(() => buildOnce(), 240_000);
beforeEach(async () => {
  parts = await openRetained();
  const leaf = `{"kind":"grant.created","n":%,"outcome":"success","time":"2020-01-31T12:00:00.000Z"}`;
  await parts.log.dataSource.query(
    `INSERT INTO audit_inbox (event_id, leaf)
     SELECT gen_random_uuid(), convert_to(replace($1, '%', n::text), 'UTF8') FROM generate_series(1, 300) n`,
    [leaf],
  );
  await parts.log.sequencer().drain();
  await parts.cut();
  // The part was cut long ago; its entries of other kinds are of today, and stay.
  await parts.log.dataSource.query(`UPDATE audit_part SET cut_at = '2020-02-01' WHERE to_idx IS NOT NULL`);
  before = await entries();
}, 60_000);
afterEach(() => parts.stop());

const entries = (): Promise<unknown[]> =>
  parts.log.dataSource.query('SELECT idx, kind, leaf FROM audit_entry WHERE idx < 512 ORDER BY idx');

/** `leasegate audit archive` in a process of its own; answers how it ended. */
async function archive(point: CrashPoint | undefined): Promise<string | number | null> {
  const file = await writeSettings(parts.directory, {
    database: { url: parts.log.settings.values.database.url.expose() },
    vault: { address: 'http://127.0.0.1:1', login: { method: 'approle', roleId: 'r', secretId: 's' } },
    issuers: [{ name: 'dev', url: 'https://id.example', audience: 'leasegate' }],
    audit: {
      hmacKey: 'a key of the test',
      retention: {
        directory: parts.directory,
        classes: { leases: { kinds: ['grant.created'], minDays: 60 } },
      },
    },
  });
  const child = spawn(process.execPath, [leasegateProgram(), 'audit', 'archive', '--config', file], {
    env: { PATH: process.env['PATH'], NODE_ENV: 'test', LEASEGATE_CRASH_AT: point ?? '' },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => (said += String(piece)));
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  await writeFile(join(parts.directory, 'said'), said);
  return signal ?? code;
}

describe('archiving that is killed', () => {
  it.each(POINTS)('at %s loses nothing, and is done by the next one', { timeout: 120_000 }, async (point) => {
    expect(await archive(point)).toBe('SIGKILL');
    const left = await entries();
    expect(left).toHaveLength(point === 'archive.removed' ? before.length - 300 : before.length);
    expect(await archive(undefined)).toBe(0);
    expect(await entries()).toHaveLength(before.length - 300);
    expect(await new LogCheck(parts.log.transactions).tile(0)).toEqual([]);
    await parts.log.sequencer().drain();
    const kinds = await parts.log.dataSource.query<{ kind: string }[]>(
      `SELECT kind FROM audit_entry WHERE kind IN ('audit.archived', 'audit.removed') ORDER BY idx`,
    );
    expect(kinds.map(({ kind }) => kind)).toEqual(['audit.archived', 'audit.removed']);
    expect(
      await parts.maintenance.retention.restore(
        { actor: { type: 'system', name: 'test' }, requestId: 'r' },
        0,
        'leases',
      ),
    ).toBe(300);
    expect(await entries()).toEqual(before);
  });
});
