import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { offerMany } from '../integration/audit/log-parts.js';
import { openSignedLog, type SignedLog } from '../integration/audit/signed-log.js';

const run = promisify(execFile);
const source = new URL('./verify-log', import.meta.url).pathname;

let log: SignedLog;
let folder: string;
let key: string;

/** What a program in another language and of another library says to the log in the folder. */
const verify = (...checkpoints: readonly string[]) =>
  run(join(folder, 'verify-log'), [log.directory, key, ...checkpoints.map((name) => join(folder, name))]);

async function signedAt(count: number, name: string): Promise<void> {
  await offerMany(log, count);
  await log.sequencer().drain();
  const signed = await log.writer().write();
  await writeFile(join(folder, name), signed?.note ?? '');
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'leasegate-interop-'));
  await run('go', ['build', '-o', join(folder, 'verify-log'), '.'], { cwd: source }).catch((error: Error) => {
    throw new Error(
      `the verifier in Go cannot be built; Go 1.24 or newer has to be on PATH: ${error.message}`,
    );
  });
  log = await openSignedLog();
  await signedAt(3, 'first');
  await signedAt(600, 'second');
  await signedAt(1_000, 'third');
  key = (await log.checkpoints.keys())[0]?.line ?? '';
}, 240_000);
afterAll(async () => {
  await log.stop();
  await rm(folder, { recursive: true });
});

describe('the log in its folder, read by golang.org/x/mod/sumdb', () => {
  it('verifies: signatures, every leaf, inclusion, and consistency of three checkpoints', async () => {
    const { stdout } = await verify('first', 'second', 'third');
    expect(stdout).toBe('verified 1603 entries and 3 checkpoints\n');
  }, 240_000);

  it('does not when an entry, a tile or a checkpoint is another', async () => {
    for (const path of ['tile/entries/001', 'tile/0/002']) {
      const file = join(log.directory, path);
      const bytes = await readFile(file);
      const changed = Buffer.from(bytes);
      changed[100]! ^= 1;
      await writeFile(file, changed);
      await expect(verify('first', 'second', 'third')).rejects.toThrow();
      await writeFile(file, bytes);
    }
    const note = await readFile(join(folder, 'first'), 'utf8');
    await writeFile(join(folder, 'bent'), note.replace('\n3\n', '\n4\n'));
    await expect(verify('bent', 'third')).rejects.toThrow('invalid signature');
  }, 240_000);
});
