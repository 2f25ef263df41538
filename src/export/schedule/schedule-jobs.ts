import { Injectable, type OnModuleInit } from '@nestjs/common';
import { EVENT_KINDS } from '../../audit/catalogue.js';
import { JobRegistry } from '../../scheduler/job.js';
import type { ScheduledExportSettings } from '../../settings/exports-schema.js';
import { Settings } from '../../settings/schema.js';
import { ScheduledExports, type Schedule } from './scheduled-exports.js';
import { ScheduleRows } from './schedule-rows.js';

/** How often is looked whether one is due. */
const LOOK_MS = 5_000;
/** A month of a large log to a slow disk. A writer that hangs for longer is overtaken, and changes nothing. */
const LONGEST_MS = 6 * 3_600_000;

/** An exclusive job for each scheduled export. */
@Injectable()
export class ScheduleJobs implements OnModuleInit {
  constructor(
    private readonly registry: JobRegistry,
    private readonly settings: Settings,
    private readonly rows: ScheduleRows,
    private readonly exports: ScheduledExports,
  ) {}

  onModuleInit(): void {
    for (const schedule of this.settings.values.exports.map(scheduleOf)) {
      const { name, every } = schedule.settings;
      let known = false;
      this.registry.add({
        name: `export.${name}`,
        everyMs: Math.min(every, LOOK_MS),
        sharing: 'exclusive',
        longestMs: LONGEST_MS,
        run: async (signal) => {
          if (!known) await this.rows.know(name);
          known = true;
          return { worked: await this.exports.run(schedule, signal) };
        },
      });
    }
  }
}

/** An export of the settings. Throws for a kind that no event is of. */
export function scheduleOf(settings: ScheduledExportSettings): Schedule {
  const { kinds, ...others } = settings.filter ?? {};
  return { settings, filters: { ...others, ...(kinds && { kinds: kindsOf(settings.name, kinds) }) } };
}

function kindsOf(name: string, filter: readonly string[]): readonly string[] {
  const found = new Set<string>();
  for (const wanted of filter) {
    const matching = Object.keys(EVENT_KINDS).filter((kind) =>
      wanted.endsWith('.*') ? kind.startsWith(wanted.slice(0, -1)) : kind === wanted,
    );
    // Silence would read as "nothing happened".
    if (matching.length === 0) throw new Error(`export ${name}: there is no event of the kind ${wanted}`);
    for (const kind of matching) found.add(kind);
  }
  return [...found].sort();
}
