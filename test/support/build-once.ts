import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../../src/dev/repository.js';

let built: Promise<unknown> | undefined;

/** Brings `dist/` up to date, for tests that start programs; does nothing when nothing changed. */
export async function buildOnce(): Promise<void> {
  await (built ??= promisify(execFile)(process.execPath, [
    join(repositoryRoot(), 'tools', 'run.mjs'),
    'build',
  ]));
}
