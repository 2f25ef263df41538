import { mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { buildLock } from '../../../src/dev/build-lock.js';
import { Reaper } from '../../../src/dev/reaper.js';

let folder: string;
let path: string;
let reaper: Reaper;
const never = (): boolean => false;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'leasegate-lock-test-'));
  path = join(folder, 'lock');
  reaper = new Reaper();
});
afterEach(async () => {
  await reaper.close();
  await rm(folder, { recursive: true, force: true });
});

it('waits for the holder, and does not build what the holder has built', async () => {
  const held = await buildLock(path, reaper, () => undefined, never);
  let done = false;
  const lines: string[] = [];
  const second = buildLock(
    path,
    reaper,
    (line) => lines.push(line) && (done = true),
    () => done,
  );
  expect(await second).toBeUndefined();
  expect(lines[0]).toBe(`process ${process.pid} is building Vault already; waiting for it`);
  await held?.release();
});

it('takes over the lock of a process that is gone', async () => {
  await writeFile(path, '2147483646');
  const lock = await buildLock(path, reaper, () => undefined, never);
  expect(await readFile(path, 'utf8')).toBe(String(process.pid));
  await lock?.release();
  await expect(readFile(path)).rejects.toMatchObject({ code: 'ENOENT' });
});

it('takes over a lock that nobody has touched for long, whoever has its pid now', async () => {
  await writeFile(path, String(process.pid));
  await utimes(path, new Date(0), new Date(0));
  const lock = await buildLock(path, reaper, () => undefined, never);
  expect(lock).toBeDefined();
  await lock?.release();
});
