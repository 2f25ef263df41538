import { withMaintenance } from './audit/retention/maintenance.js';
import { systemCaller } from './kernel/caller.js';
import { SystemClock } from './kernel/clock.js';
import { RandomIds } from './kernel/ids.js';
import type { Settings } from './settings/schema.js';

/** What was done with a class of kinds in a part of the log, or would be. */
export interface ArchiveStep {
  readonly from_index: number;
  readonly to_index: number;
  readonly class: string;
  readonly did: string;
  readonly entries: number;
}

const clock = new SystemClock();
const ids = new RandomIds(clock);

/** Archives, removes and destroys what is past its age. Needs the login that owns the tables. */
export function archiveLog(settings: Settings, dryRun: boolean): Promise<readonly ArchiveStep[]> {
  return withMaintenance(settings, clock, ids, async ({ retention }) =>
    (await retention.run({ dryRun })).map((step) => ({
      from_index: step.fromIndex,
      to_index: step.toIndex,
      class: step.class,
      did: step.did,
      entries: step.entries,
    })),
  );
}

/** Brings archived entries back; answers how many. Needs the login that owns the tables. */
export function restoreLog(
  settings: Settings,
  fromIndex: number,
  name: string,
  reason: string | undefined,
): Promise<number> {
  return withMaintenance(settings, clock, ids, ({ retention }) =>
    retention.restore(systemCaller('command-line', ids.uuid()), fromIndex, name, reason),
  );
}
