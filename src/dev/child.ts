import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import type { Reaper } from './reaper.js';

/** What to start, and how to know that it is ready. */
export interface ChildPlan {
  /** For messages. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment of the process; nothing is inherited beside it. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Start as this user and group; for a server that refuses to run as root. */
  readonly user?: { readonly uid: number; readonly gid: number };
  /** Asked again and again until it says yes; what it throws counts as a no. */
  readonly ready: (output: string) => boolean | Promise<boolean>;
  readonly deadlineMs: number;
  /** What asks it to end; SIGTERM unless told. SIGKILL follows after {@link stopMs}. */
  readonly stopSignal?: NodeJS.Signals;
  readonly stopMs?: number;
  /** All that it prints goes here too. */
  readonly logFile?: string;
}

/** A server that runs beside us, in a process group of its own, ended by its own pid. */
export interface Child {
  readonly pid: number;
  /** The last 64 KiB that it printed, both streams. */
  output(): string;
  /** Resolves when it has ended: its code, or the signal that ended it. */
  readonly exited: Promise<number | NodeJS.Signals>;
  /** Ends it and waits. A second call waits for the first. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

const OUTPUT_LIMIT = 65_536;

/** Starts a process and waits until it is ready; rejects with its output when it ends before, or is too slow. */
export async function startChild(reaper: Reaper, plan: ChildPlan): Promise<Child> {
  const started = spawn(plan.command, plan.args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: plan.env,
    detached: true,
    ...(plan.cwd === undefined ? {} : { cwd: plan.cwd }),
    ...plan.user,
  });
  let output = '';
  let ended: number | NodeJS.Signals | undefined;
  const log = plan.logFile === undefined ? undefined : createWriteStream(plan.logFile, { flags: 'a' });
  log?.on('error', () => undefined);
  for (const stream of [started.stdout, started.stderr]) {
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      output = (output + text).slice(-OUTPUT_LIMIT);
      log?.write(text);
    });
  }
  const exited = new Promise<number | NodeJS.Signals>((resolve) => {
    started.once('error', (error) => {
      output += error.message;
      ended = 127;
      resolve(127);
    });
    started.once('exit', (code, signal) => {
      ended = code ?? signal ?? 0;
      log?.end();
      if (started.pid !== undefined) reaper.released(started.pid);
      resolve(ended);
    });
  });
  const { pid } = started;
  if (pid === undefined) {
    await exited;
    throw new Error(`${plan.name} could not be started: ${output}`);
  }
  reaper.owns(pid);

  let stopping: Promise<void> | undefined;
  const stop = (signal: NodeJS.Signals = plan.stopSignal ?? 'SIGTERM'): Promise<void> =>
    (stopping ??= endGroup(pid, exited, signal, plan.stopMs ?? 10_000));

  const deadline = performance.now() + plan.deadlineMs;
  while (!(await isReady(plan, output))) {
    if (ended !== undefined) throw new Error(`${plan.name} ended (${ended}) before it was ready:\n${output}`);
    if (performance.now() > deadline) {
      await stop('SIGKILL');
      throw new Error(`${plan.name} was not ready after ${plan.deadlineMs} ms:\n${output}`);
    }
    await wait(20);
  }
  return { pid, output: () => output, exited, stop };
}

async function isReady(plan: ChildPlan, output: string): Promise<boolean> {
  try {
    return await plan.ready(output);
  } catch {
    return false;
  }
}

async function endGroup(
  pid: number,
  exited: Promise<unknown>,
  signal: NodeJS.Signals,
  graceMs: number,
): Promise<void> {
  kill(pid, signal);
  const slow = setTimeout(() => kill(pid, 'SIGKILL'), graceMs);
  await exited;
  clearTimeout(slow);
  // What it left behind in its group (a plugin, say) goes with it.
  kill(-pid, 'SIGKILL');
}

function kill(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal);
  } catch {
    // Gone already.
  }
}
