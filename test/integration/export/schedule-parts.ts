import { mkdtempSync } from 'node:fs';
import { readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { Checkpoints } from '../../../src/audit/log/checkpoints.js';
import { LogParts as Parts } from '../../../src/audit/retention/parts.js';
import { AuditExport } from '../../../src/export/audit-export.js';
import { ExportManifests } from '../../../src/export/export-manifests.js';
import { ExportScopes } from '../../../src/export/export-scope.js';
import { PresentEntries } from '../../../src/export/present-range.js';
import { scheduleOf } from '../../../src/export/schedule/schedule-jobs.js';
import { ScheduleRows } from '../../../src/export/schedule/schedule-rows.js';
import { ScheduleStates, type ScheduleState } from '../../../src/export/schedule/schedule-states.js';
import { ScheduledExports } from '../../../src/export/schedule/scheduled-exports.js';
import type { SpanManifest } from '../../../src/export/schedule/span-folder.js';
import { ManualClock, SystemClock } from '../../../src/kernel/clock.js';
import { SilentLog } from '../../../src/kernel/log.js';
import { verifyExport } from '../../../src/sdk/verify-export.js';
import { openLog, type LogParts } from '../audit/log-parts.js';
import { openSignedLog, type SignedLog } from '../audit/signed-log.js';

/** What is due goes by the clock of the test, and waits by the real one. */
class DueClock extends SystemClock {
  constructor(private readonly due: ManualClock) {
    super();
  }

  override now(): Date {
    return this.due.now();
  }
}

/** A log with scheduled exports, on a clock that the test moves. */
export interface ScheduledLog {
  readonly log: LogParts;
  readonly clock: ManualClock;
  readonly directory: string;
  readonly rows: ScheduleRows;
  /** Runs one export if it is due; answers how many spans it wrote. The log is sequenced meanwhile. */
  run(name?: string, signal?: AbortSignal): Promise<number>;
  state(name?: string): Promise<ScheduleState | undefined>;
  /** The folders of an export. */
  folders(name?: string): Promise<string[]>;
  manifest(folder: string, name?: string): Promise<SpanManifest>;
  stop(): Promise<void>;
}

/** Opens one; the exports are `all` (gzip), and `leases` with a filter of kinds. */
export async function openScheduled(audit: Readonly<Record<string, unknown>> = {}): Promise<ScheduledLog> {
  const directory = mkdtempSync(join(tmpdir(), 'leasegate-schedule-'));
  const hmacKey = 'a key of the test';
  const log = await openLog(1_000, { audit: { hmacKey, ...audit }, ...exportsTo(directory) });
  return scheduledOn(log, directory, async () => undefined);
}

/** The same on a log that a real Vault signs, again and again while an export runs; with one more, `lines` of those leases. */
export async function openSignedSchedule(): Promise<ScheduledLog & { readonly log: SignedLog }> {
  const directory = mkdtempSync(join(tmpdir(), 'leasegate-schedule-'));
  const log = await openSignedLog(exportsTo(directory));
  const writer = log.writer();
  return { ...scheduledOn(log, directory, () => writer.write()), log };
}

function exportsTo(directory: string): { readonly exports: readonly unknown[] } {
  const filter = { kinds: ['lease.*'] };
  return {
    exports: [
      { name: 'all', every: '1h', directory, compression: 'gzip' },
      { name: 'leases', every: '1d', directory, format: 'csv', filter },
      { name: 'lines', every: '1d', directory, filter },
    ],
  };
}

function scheduledOn(log: LogParts, directory: string, sign: () => Promise<unknown>): ScheduledLog {
  const clock = new ManualClock(new Date('2026-11-21T10:30:00Z'));
  const rows = new ScheduleRows(log.transactions, log.inbox, clock, log.ids);
  const present = new PresentEntries(new Parts(log.transactions));
  const checkpoints = new Checkpoints(log.transactions);
  const exports = new ScheduledExports(
    log.settings,
    new DueClock(clock),
    log.ids,
    rows,
    new AuditExport(
      log.settings,
      new SilentLog(),
      log.ids,
      log.inbox,
      new ExportScopes(log.query, log.tree, checkpoints, present),
    ),
    new ExportManifests(log.transactions, log.tree, checkpoints),
    present,
    log.query,
    checkpoints,
  );
  const states = new ScheduleStates(log.settings, log.transactions, clock);
  return {
    log,
    clock,
    directory,
    rows,
    async run(name = 'all', signal = new AbortController().signal) {
      await rows.know(name);
      const settings = log.settings.values.exports.find((one) => one.name === name);
      if (settings === undefined) throw new Error(`there is no export ${name}`);
      const sequencer = log.sequencer();
      let done = false;
      const running = exports.run(scheduleOf(settings), signal).finally(() => (done = true));
      while (!done) {
        await sequencer.drain();
        await sign();
        await Promise.race([running, new Promise((resolve) => setTimeout(resolve, 20))]);
      }
      await sequencer.drain();
      await sign();
      return running;
    },
    state: async (name = 'all') => (await states.all()).find((one) => one.name === name),
    folders: async (name = 'all') => (await readdir(join(directory, name)).catch(() => [])).sort(),
    manifest: async (folder, name = 'all') =>
      JSON.parse(await readFile(join(directory, name, folder, 'manifest.json'), 'utf8')) as SpanManifest,
    async stop() {
      await log.stop();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** Verifies the gzipped files of these folders, and that they follow each other without gap or double; answers the end. */
export async function checkSpans(directory: string, folders: readonly string[]): Promise<number> {
  let next = 0;
  for (const folder of folders) {
    const file = await readFile(join(directory, folder, 'leasegate-audit.jsonl.gz'));
    const result = await verifyExport(Readable.from([gunzipSync(file)]));
    if (!result.ok) throw new Error(`${folder}: ${result.problems[0]?.problem}`);
    if (result.firstIndex !== next)
      throw new Error(`${folder} begins with ${result.firstIndex}, not ${next}`);
    next = (result.lastIndex ?? -1) + 1;
  }
  return next;
}
