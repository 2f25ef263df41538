import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ArchiveDamaged, readEntries, removeAbandoned } from '../../../src/audit/retention/archive-files.js';
import { uncaughtErrors } from '../../support/unhandled.js';

const NOW = new Date('2026-11-21T12:00:00Z');
let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'leasegate-archive-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function written(name: string, minutesAgo: number): Promise<void> {
  await writeFile(join(folder, name), 'x');
  const time = new Date(NOW.getTime() - minutesAgo * 60_000);
  await utimes(join(folder, name), time, time);
}

it('what a writer that died left aside goes after an hour, and nothing else', async () => {
  await written('.old.jsonl.gz.host.1.new', 61);
  await written('.at-work.jsonl.gz.host.2.new', 59);
  await written('old.jsonl.gz', 600);
  await written('old.new', 600);
  await written('.old', 600);
  await removeAbandoned(folder, NOW);
  const kept = ['.at-work.jsonl.gz.host.2.new', '.old', 'old.jsonl.gz', 'old.new'];
  expect((await readdir(folder)).sort()).toEqual(kept);
  await removeAbandoned(join(folder, 'none'), NOW);
});

it('a file that is left at its first bad line ends nothing where what follows cannot be unpacked', async () => {
  const uncaught = uncaughtErrors();
  const texts = Array.from({ length: 20_000 }, (_, n) => Math.sin(n + 1).toString(36));
  const whole = gzipSync(`no entry\n${texts.join('\n')}\n`);
  const path = join(folder, 'damaged.jsonl.gz');
  // Where the unpacking is when the loop is left is not the same everywhere.
  for (let at = 4_000; at < 64_000; at += 2_000) {
    await writeFile(path, Buffer.from(whole).fill(0xff, at, at + 200));
    const read = async (): Promise<void> => {
      for await (const page of readEntries(path, 1)) expect(page).toBeUndefined();
    };
    await expect(read()).rejects.toBeInstanceOf(ArchiveDamaged);
    // Long enough for what was being unpacked to end.
    await promisify(gunzip)(whole);
  }
  expect(uncaught).toEqual([]);
});
