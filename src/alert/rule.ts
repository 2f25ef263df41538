import { z } from 'zod';
import { EVENT_KINDS } from '../audit/catalogue.js';
import { ERROR_CODES } from '../kernel/error-codes.js';
import { SEVERITIES } from './alert.js';

const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,62}$/, 'is not a name: lower-case letters, digits and dashes');
const seconds = z.int().min(0).max(2_592_000);
const path = z
  .string()
  .regex(/^[a-z_]+(\.[a-z_]+){0,3}$/, 'is not a path into an event, such as data.host')
  .max(128);

// An alert about alerts would feed itself. Only that nobody could be told is worth one.
const ABOUT_ALERTS = 'alert.notification_failed';

const kind = z.string().refine((text) => kindsOf(text).length > 0, {
  error: ({ input }) => `names no kind of event that a rule may be about: ${String(input)}`,
});

/** A rule as its file has it. */
export const ruleSchema = z.strictObject({
  name,
  summary: z.string().min(1).max(300).describe('one sentence: what happened'),
  description: z.string().max(4_000).optional().describe('what it means and what to do'),
  severity: z.enum(SEVERITIES),
  enabled: z.boolean().default(true),
  when: z.strictObject({
    kinds: z.array(kind).min(1).max(64).describe('kinds of events, or all of a group as in `shadow.*`'),
    outcomes: z
      .array(z.enum(['success', 'refused', 'failure']))
      .min(1)
      .optional(),
    codes: z
      .array(z.string().refine((code) => Object.hasOwn(ERROR_CODES, code), 'is not an error code'))
      .min(1)
      .optional(),
    cel: z.string().min(1).max(2_048).optional().describe('CEL over `event` that must also be true'),
  }),
  group_by: z.array(path).max(8).default([]).describe('events that agree in all of these are one alert'),
  group_wait_seconds: seconds.default(10).describe('what comes within it is told at once'),
  repeat_seconds: seconds
    .min(10)
    .default(3_600)
    .describe('told again at most this often, while more events come'),
  resolve_seconds: seconds.min(10).default(3_600).describe('resolved when no event has come for this long'),
  send_resolved: z.boolean().default(false),
  channels: z.array(name).min(1).max(16).optional().describe('all channels unless told'),
});
export type AlertRule = z.output<typeof ruleSchema>;

/** The kinds of events that a word in `kinds` stands for; none when it is not one. */
export function kindsOf(word: string): string[] {
  const allowed = Object.keys(EVENT_KINDS).filter(
    (known) => !known.startsWith('alert.') || known === ABOUT_ALERTS,
  );
  return word.endsWith('.*')
    ? allowed.filter((known) => known.startsWith(word.slice(0, -1)))
    : allowed.filter((known) => known === word);
}
