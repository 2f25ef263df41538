import { z } from 'zod';
import type { Story } from '../../audit/story/run-story.js';
import { instant } from '../schema/fields.js';
import { decisionView } from './held-view.js';
import { instantOf, instantOrNull } from './page-view.js';

const itemView = z
  .object({
    index: z.int(),
    time: z.string(),
    kind: z.string(),
    chapter: z.string().describe('`identity`, `grant`, `run`, `lease`, `use`, `call`, `alert`, …'),
    says: z.string().describe('what the event says, as a sentence'),
    actor: z.string(),
    event: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'StoryItemView' });

/** A page of a run's story. */
export const storyView = z
  .object({
    run: z.object({
      run_ref: z.uuid(),
      run_id: z.string().nullable(),
      workload: z.object({
        issuer: z.string().nullable(),
        subject: z.string().nullable(),
        claims: z.record(z.string(), z.unknown()).nullable(),
      }),
      grant: z.object({
        id: z.uuid().nullable(),
        name: z.string().nullable(),
        version: z.int().nullable(),
        decisions: z.array(decisionView),
      }),
      opened_at: instant.nullable(),
      ended_at: instant.nullable(),
      ended: z.string().nullable(),
      ended_by: z.string().nullable(),
    }),
    sums: z
      .object({
        kinds: z.record(z.string(), z.int()),
        refused: z.int(),
        exact: z.boolean(),
        cost_micros: z.int(),
      })
      .nullable()
      .describe('with the first page'),
    alerts: z.array(
      z.object({
        id: z.uuid(),
        rule: z.string(),
        severity: z.string(),
        summary: z.string(),
        state: z.string(),
        opened_at: instant,
        resolved_at: instant.nullable(),
      }),
    ),
    items: z.array(itemView),
    next_cursor: z.string().nullable(),
  })
  .meta({ id: 'StoryView' });
export type StoryView = z.output<typeof storyView>;

/** The answer's form of a page. */
export function storyViewOf({ run, sums, alerts, items, nextCursor }: Story): StoryView {
  return {
    run: {
      run_ref: run.runRef,
      run_id: run.runId,
      workload: { ...run.workload, claims: run.claims === null ? null : { ...run.claims } },
      grant: {
        ...run.grant,
        decisions: run.grant.decisions.map((decision) => ({ ...decision, at: instantOf(decision.at) })),
      },
      opened_at: instantOrNull(run.openedAt),
      ended_at: instantOrNull(run.endedAt),
      ended: run.ended,
      ended_by: run.endedBy,
    },
    sums: sums && {
      kinds: { ...sums.kinds },
      refused: sums.refused,
      exact: sums.exact,
      cost_micros: sums.costMicros,
    },
    alerts: alerts.map(({ openedAt, resolvedAt, ...alert }) => ({
      ...alert,
      opened_at: instantOf(openedAt),
      resolved_at: instantOrNull(resolvedAt),
    })),
    items: items.map((item) => ({ ...item, event: { ...item.event } })),
    next_cursor: nextCursor,
  };
}
