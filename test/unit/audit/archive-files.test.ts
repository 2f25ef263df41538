import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { removeAbandoned } from '../../../src/audit/retention/archive-files.js';

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
