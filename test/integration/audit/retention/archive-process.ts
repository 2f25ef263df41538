import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { BrokerSettings } from '../../../../src/dev/broker-settings.js';
import { leasegateProgram, writeSettings } from '../../../../src/dev/dev-broker.js';
import type { CrashPoint } from '../../../../src/kernel/crash-point.js';
import { archiveLog } from '../../../../src/log-maintenance.js';
import { settingsFrom } from '../../../../src/settings/load.js';
import { until } from '../../../support/until.js';
import type { RetainedLog } from './retention-parts.js';

/** `leasegate audit archive` in a process of its own. */
export interface ArchiveProcess {
  /** Its signal or its exit code. */
  readonly ended: Promise<string | number | null>;
  /** Waits until it stands still at the point that it was armed with. */
  stopped(): Promise<void>;
  /** Lets it go on. */
  thaw(): void;
}

/** Settings by which `grant.created` goes after 60 days, and is destroyed after 100 where `destroys`. */
function settingsOf(parts: RetainedLog, destroys: boolean): BrokerSettings {
  const ages = { minDays: 60, ...(destroys && { maxDays: 100 }) };
  return {
    database: { url: parts.log.settings.values.database.url.expose() },
    vault: { address: 'http://127.0.0.1:1', login: { method: 'approle', roleId: 'r', secretId: 's' } },
    issuers: [{ name: 'dev', url: 'https://id.example', audience: 'leasegate' }],
    audit: {
      hmacKey: 'a key of the test',
      retention: { directory: parts.directory, classes: { leases: { kinds: ['grant.created'], ...ages } } },
    },
  };
}

/** Does the same here, to the end. */
export async function archive(parts: RetainedLog, destroys = false): Promise<void> {
  await archiveLog(settingsFrom(settingsOf(parts, destroys)), false);
}

/** Starts it, to be stopped at a point. */
export async function startArchive(
  parts: RetainedLog,
  at: `${CrashPoint}:${'kill' | 'freeze'}`,
  destroys = false,
): Promise<ArchiveProcess> {
  const file = await writeSettings(parts.directory, settingsOf(parts, destroys));
  const child = spawn(process.execPath, [leasegateProgram(), 'audit', 'archive', '--config', file], {
    stdio: 'ignore',
    env: { PATH: process.env['PATH'], NODE_ENV: 'test', LEASEGATE_CRASH_AT: at },
  });
  const closed = once(child, 'close') as Promise<[number | null, string | null]>;
  return {
    ended: closed.then(([code, signal]) => signal ?? code),
    stopped: async () => {
      await until(() => stateOf(child.pid ?? 0) === 'T', { deadlineMs: 60_000, what: 'the freeze' });
    },
    thaw: () => void child.kill('SIGCONT'),
  };
}

/** Starts it and answers how it ended. */
export async function archiveUntil(
  ...given: Parameters<typeof startArchive>
): Promise<string | number | null> {
  return (await startArchive(...given)).ended;
}

function stateOf(pid: number): string {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2, stat.lastIndexOf(')') + 3);
}
