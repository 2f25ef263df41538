import { open, readFile, stat, utimes } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { SystemClock } from '../kernel/clock.js';
import type { Progress } from './progress.js';
import type { Reaper } from './reaper.js';

/** A lock that is held. */
export interface BuildLock {
  release(): Promise<void>;
}

const HEARTBEAT_MS = 1_000;
const DEAD_AFTER_MS = 15_000;
const clock = new SystemClock();

/**
 * Takes the lock file, or waits for who holds it and resolves with undefined once `done()`. The file names the
 * holder's pid and is touched every second; a lock whose holder is gone is taken over. Two that take over at the
 * same moment may both build: what they make is renamed into place, so that only costs time.
 */
export async function buildLock(
  path: string,
  reaper: Reaper,
  progress: Progress,
  done: () => boolean,
): Promise<BuildLock | undefined> {
  for (;;) {
    if (done()) return undefined;
    if (await create(path)) {
      reaper.adopt(path);
      const beating = setInterval(() => void beat(path), HEARTBEAT_MS);
      return {
        async release() {
          clearInterval(beating);
          await reaper.remove(path);
        },
      };
    }
    const holder = await holderOf(path);
    if (holder === undefined) continue;
    if (holder.alive) {
      progress(`process ${holder.pid} is building Vault already; waiting for it`);
      await wait(HEARTBEAT_MS / 2);
    } else {
      await reaper.remove(path);
    }
  }
}

async function create(path: string): Promise<boolean> {
  try {
    const file = await open(path, 'wx', 0o644);
    await file.writeFile(String(process.pid));
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

async function beat(path: string): Promise<void> {
  const now = clock.now();
  await utimes(path, now, now).catch(() => undefined);
}

async function holderOf(path: string): Promise<{ pid: number; alive: boolean } | undefined> {
  try {
    const pid = Number(await readFile(path, 'utf8'));
    const { mtimeMs } = await stat(path);
    const fresh = clock.now().getTime() - mtimeMs < DEAD_AFTER_MS;
    // Written empty for an instant by its maker: then its age decides.
    return { pid, alive: fresh && (pid === 0 || isRunning(pid)) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: somebody else's, and alive.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
