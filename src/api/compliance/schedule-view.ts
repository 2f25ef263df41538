import { z } from 'zod';
import type { ScheduleState } from '../../export/schedule/schedule-states.js';
import { instant } from '../schema/fields.js';
import { instantOf, instantOrNull } from '../view/page-view.js';

/** A scheduled export in an answer. */
export const scheduledExportView = z
  .object({
    name: z.string(),
    configured: z.boolean().describe('whether the settings of this replica have it'),
    format: z.string().nullable(),
    every_seconds: z.number().nullable(),
    next_index: z.int().describe('the first entry of the log that it has not written'),
    next_at: instant,
    overdue_seconds: z.number().describe('how late it is, failures included'),
    attempts: z.int().describe('failures in a row'),
    last_error: z.string().nullable(),
    failing_since: instant.nullable(),
    last: z
      .object({
        at: instant,
        from_index: z.int(),
        to_index: z.int().describe('without it'),
        count: z.int(),
        folder: z.string().describe('on the replica that wrote it'),
      })
      .nullable()
      .describe('what it wrote last'),
  })
  .meta({ id: 'ScheduledExportView' });
export type ScheduledExportView = z.output<typeof scheduledExportView>;

/** A scheduled export as it is answered. */
export function scheduledExportViewOf(state: ScheduleState): ScheduledExportView {
  const { last } = state;
  return {
    name: state.name,
    configured: state.configured,
    format: state.format ?? null,
    every_seconds: state.everyMs === undefined ? null : state.everyMs / 1_000,
    next_index: state.nextIndex,
    next_at: instantOf(state.nextAt),
    overdue_seconds: state.overdueSeconds,
    attempts: state.attempts,
    last_error: state.lastError,
    failing_since: instantOrNull(state.failingSince),
    last:
      last === undefined
        ? null
        : {
            at: instantOf(last.at),
            from_index: last.fromIndex,
            to_index: last.toIndex,
            count: last.count,
            folder: last.folder,
          },
  };
}
