import { z } from 'zod';
import { LETTER_STATES, type DeadLetter } from '../../sink/dead-letters.js';
import type { SinkState } from '../../sink/sink-states.js';
import { instant, uuid } from '../schema/fields.js';
import { instantOf, instantOrNull } from '../view/page-view.js';

/** A sink in an answer. */
export const sinkView = z
  .object({
    name: z.string(),
    kind: z.string(),
    configured: z.boolean().describe('whether the settings of this replica have it'),
    kinds: z.array(z.string()).nullable().describe('the kinds of events that it is sent; null is all'),
    next_index: z.int().describe('the first entry of the log that it was not sent'),
    lag_events: z.int(),
    lag_seconds: z.number().describe('age of the first entry that it was not sent'),
    delivered: z.int().describe('events that it has taken; repeated ones count again'),
    attempts: z.int().describe('failures in a row'),
    next_attempt_at: instant.nullable(),
    last_error: z.string().nullable(),
    last_delivered_at: instant.nullable(),
    lagging_since: instant.nullable(),
    dead_letters: z.int().describe('events that it would not take'),
  })
  .meta({ id: 'SinkView' });
export type SinkView = z.output<typeof sinkView>;

/** An event that a sink would not take, in an answer. */
export const deadLetterView = z
  .object({
    id: uuid,
    sink: z.string(),
    index: z.int().describe('of the log'),
    event_id: z.string(),
    kind: z.string(),
    state: z.enum(LETTER_STATES),
    attempts: z.int(),
    last_error: z.string(),
    created_at: instant,
    changed_at: instant,
  })
  .meta({ id: 'DeadLetterView' });
export type DeadLetterView = z.output<typeof deadLetterView>;

/** What is to be tried again. */
export const sinkRetryBody = z
  .strictObject({
    letters: z
      .array(uuid)
      .min(1)
      .max(200)
      .optional()
      .describe('ids of dead letters; all of the sink unless told'),
  })
  .nullish()
  .transform((body) => body ?? {})
  .meta({ id: 'SinkRetryBody' });
export type SinkRetryBody = z.output<typeof sinkRetryBody>;

/** What is tried again, in an answer. */
export const sinkRetryView = z
  .object({ sink: z.string(), letters: z.int().describe('dead letters that are tried again') })
  .meta({ id: 'SinkRetryView' });
export type SinkRetryView = z.output<typeof sinkRetryView>;

/** A sink as it is answered. */
export function sinkViewOf(state: SinkState): SinkView {
  return {
    name: state.name,
    kind: state.kind,
    configured: state.configured,
    kinds: state.kinds === undefined ? null : [...state.kinds],
    next_index: state.nextIndex,
    lag_events: state.lagEvents,
    lag_seconds: state.lagSeconds,
    delivered: state.delivered,
    attempts: state.attempts,
    next_attempt_at: instantOrNull(state.nextAttemptAt),
    last_error: state.lastError,
    last_delivered_at: instantOrNull(state.lastDeliveredAt),
    lagging_since: instantOrNull(state.laggingSince),
    dead_letters: state.deadLetters,
  };
}

/** A dead letter as it is answered. */
export function deadLetterViewOf(letter: DeadLetter): DeadLetterView {
  return {
    id: letter.id,
    sink: letter.sink,
    index: letter.index,
    event_id: letter.eventId,
    kind: letter.kind,
    state: letter.state,
    attempts: letter.attempts,
    last_error: letter.lastError,
    created_at: instantOf(letter.createdAt),
    changed_at: instantOf(letter.changedAt),
  };
}
