import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BrokerSettings } from './broker-settings.js';
import { startChild, type Child } from './child.js';
import type { Reaper } from './reaper.js';
import { repositoryRoot } from './repository.js';

/** A broker in a process of its own. */
export interface DevBroker {
  readonly pid: number;
  /** What it has logged, at most the last 64 KiB. */
  output(): string;
  readonly exited: Child['exited'];
  /** Ends it: a graceful stop unless another signal is given. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/** The command line program of this build. */
export function leasegateProgram(): string {
  return join(repositoryRoot(), 'bin', 'leasegate.mjs');
}

/** Writes settings into a file that only its owner can read; answers its path. */
export async function writeSettings(folder: string, settings: BrokerSettings): Promise<string> {
  const file = join(folder, 'leasegate.json');
  // JSON is YAML too, which is what settings files are written in.
  await writeFile(file, JSON.stringify(settings, undefined, 2), { mode: 0o600 });
  return file;
}

/** As the first line of `bin/leasegate.mjs` and the image have it: the young generation takes 36 MB less, for no more time. */
const BROKER_V8_OPTIONS = ['--max-semi-space-size=4'];

/** Starts `leasegate serve` with a settings file, and waits until it says that it is ready. */
export async function startBroker(
  reaper: Reaper,
  options: {
    readonly settingsFile: string;
    readonly url: string;
    readonly env?: Readonly<Record<string, string>>;
    readonly logFile?: string;
  },
): Promise<DevBroker> {
  return startChild(reaper, {
    name: 'the broker',
    command: process.execPath,
    args: [...BROKER_V8_OPTIONS, leasegateProgram(), 'serve', '--config', options.settingsFile],
    env: { PATH: process.env['PATH'] ?? '', ...options.env },
    ready: async () =>
      (await fetch(`${options.url}/readyz`, { signal: AbortSignal.timeout(5_000) })).status === 200,
    deadlineMs: 180_000,
    stopMs: 30_000,
    ...(options.logFile === undefined ? {} : { logFile: options.logFile }),
  });
}
