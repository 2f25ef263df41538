import { execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildLock } from './build-lock.js';
import type { Progress } from './progress.js';
import type { Reaper } from './reaper.js';
import { repositoryRoot } from './repository.js';

const run = promisify(execFile);

const PLUGIN = 'postgresql-database-plugin';
const OLDEST_GO = [1, 25, 3] as const;

/** A server that was built on this machine. */
export interface BuiltVault {
  readonly vault: string;
  readonly pluginDirectory: string;
  /** Whether it was built by this call. */
  readonly fresh: boolean;
}

/** Why Go cannot build the server here; undefined when it can. */
export async function goProblem(): Promise<string | undefined> {
  const version = await run('go', ['env', 'GOVERSION'], { cwd: sourceFolder(), timeout: 20_000 }).then(
    ({ stdout }) => stdout.trim(),
    () => undefined,
  );
  if (version === undefined) return 'no Go is on PATH';
  const parts = /^go(\d+)\.(\d+)(?:\.(\d+))?/.exec(version);
  const found = [Number(parts?.[1] ?? 0), Number(parts?.[2] ?? 0), Number(parts?.[3] ?? 0)];
  for (const [index, oldest] of OLDEST_GO.entries()) {
    const part = found[index] ?? 0;
    if (part > oldest) return undefined;
    if (part < oldest) return `Go is ${version}, older than ${OLDEST_GO.join('.')}`;
  }
  return undefined;
}

/**
 * The server and its database plugin, built from `tools/vault-server/` unless the same source was built before.
 * Built beside and renamed into place, so what is in place is whole; of several processes that want it at once,
 * one builds and the others wait. The binaries are for this machine only and are never distributed (BUSL-1.1).
 */
export async function builtVault(reaper: Reaper, progress: Progress): Promise<BuiltVault> {
  const folder = await cacheFolder();
  const done = (fresh: boolean): BuiltVault => ({
    vault: join(folder, 'vault'),
    pluginDirectory: join(folder, 'plugins'),
    fresh,
  });
  if (existsSync(folder)) return done(false);
  await mkdir(join(folder, '..'), { recursive: true });
  const lock = await buildLock(`${folder}.lock`, reaper, progress, () => existsSync(folder));
  if (lock === undefined) return done(false);
  const partial = `${folder}.partial-${process.pid}`;
  reaper.adopt(partial);
  try {
    await build(reaper, join(partial, 'vault'), SERVER_BUILD, progress);
    await build(reaper, join(partial, 'plugins', PLUGIN), PLUGIN_BUILD, progress);
    await rename(partial, folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
    return done(true);
  } finally {
    await reaper.remove(partial);
    await lock.release();
  }
}

const SERVER_BUILD = ['-tags', 'minimal', './server'];
const PLUGIN_BUILD = [`github.com/hashicorp/vault/plugins/database/postgresql/${PLUGIN}`];

function sourceFolder(): string {
  return join(repositoryRoot(), 'tools', 'vault-server');
}

/** Where the build is kept: named by Vault's version and by all that decides what is built. */
export async function cacheFolder(): Promise<string> {
  const module = await readFile(join(sourceFolder(), 'go.mod'), 'utf8');
  const main = await readFile(join(sourceFolder(), 'server', 'main.go'), 'utf8');
  const version = /github\.com\/hashicorp\/vault (v\S+)/.exec(module)?.[1];
  if (version === undefined) throw new Error('tools/vault-server/go.mod names no version of Vault');
  const hash = createHash('sha256').update(`${module}\0${main}`).digest('hex').slice(0, 12);
  const cache = process.env['XDG_CACHE_HOME'] ?? '';
  const base = cache === '' ? join(homedir(), '.cache') : cache;
  return join(base, 'leasegate', 'vault', `${version}-${hash}`);
}

async function build(
  reaper: Reaper,
  output: string,
  what: readonly string[],
  progress: Progress,
): Promise<void> {
  const name = output.endsWith(PLUGIN) ? 'the database plugin' : 'Vault';
  const args = ['build', '-v', '-mod=readonly', '-trimpath', '-ldflags', '-s -w', '-o', output, ...what];
  const go = spawn('go', args, { cwd: sourceFolder(), stdio: ['ignore', 'ignore', 'pipe'], detached: true });
  if (go.pid !== undefined) reaper.owns(go.pid);
  let downloaded = 0;
  let compiled = 0;
  let problems = '';
  go.stderr.setEncoding('utf8');
  go.stderr.on('data', (text: string) => {
    for (const line of text.split('\n')) {
      if (line.startsWith('go: downloading ')) downloaded += 1;
      else if (/^[\w./-]+$/.test(line)) compiled += 1;
      else if (line !== '') problems = `${problems}${line}\n`.slice(-4_000);
    }
  });
  const begin = performance.now();
  const report = (): void => {
    const seconds = Math.round((performance.now() - begin) / 1_000);
    progress(
      `building ${name} (once, about five minutes): ${seconds} s, ${downloaded} modules downloaded, ${compiled} packages compiled`,
    );
  };
  const ticking = setInterval(report, 1_000);
  report();
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      go.once('error', reject);
      go.once('close', resolve);
    });
    if (code !== 0) throw new Error(`building ${name} failed:\n${problems}`);
  } finally {
    clearInterval(ticking);
    if (go.pid !== undefined) reaper.released(go.pid);
  }
}
