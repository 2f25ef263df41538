import { z } from 'zod';
import { ALERT_STATES, SEVERITIES, type Alert } from '../../alert/alert.js';
import type { NotificationState } from '../../alert/alerts.js';
import type { CompiledRule } from '../../alert/compiled-rule.js';
import { matchersSchema, type Silence } from '../../alert/silence.js';
import { instant, uuid } from '../schema/fields.js';
import { instantOf, instantOrNull } from '../view/page-view.js';

const labels = z.record(z.string(), z.string());

/** An alert in an answer. */
export const alertView = z
  .object({
    id: uuid,
    rule: z.string(),
    severity: z.enum(SEVERITIES),
    summary: z.string(),
    labels,
    state: z.enum(ALERT_STATES),
    events: z.int().describe('how many events belong to it'),
    told_events: z.int().describe('of how many of them somebody has been told'),
    first_index: z.int().describe('of the log'),
    last_index: z.int(),
    first_event_at: instant,
    last_event_at: instant,
    samples: z.array(z.record(z.string(), z.unknown())).describe('the newest events'),
    opened_at: instant,
    notify_at: instant.nullable().describe('when somebody is told next; null when there is nothing new'),
    notified_at: instant.nullable(),
    notifications: z.int(),
    silenced_by: uuid.nullable(),
    resolved_at: instant.nullable(),
  })
  .meta({ id: 'AlertView' });
export type AlertView = z.output<typeof alertView>;

/** One telling of somebody, in an answer. */
export const notificationView = z
  .object({
    id: uuid.describe('the `webhook-id` and the message id'),
    kind: z.enum(['firing', 'resolved', 'test']),
    channel: z.string(),
    state: z.enum(['waiting', 'delivered', 'abandoned']),
    attempts: z.int(),
    last_error: z.string().nullable(),
    created_at: instant,
    ended_at: instant.nullable(),
  })
  .meta({ id: 'NotificationView' });
export type NotificationView = z.output<typeof notificationView>;

/** An alert with who was told of it. */
export const alertDetailView = z
  .object({ alert: alertView, notifications: z.array(notificationView) })
  .meta({ id: 'AlertDetailView' });
export type AlertDetailView = z.output<typeof alertDetailView>;

/** A rule as it was read from its file. */
export const ruleView = z
  .object({
    name: z.string(),
    summary: z.string(),
    description: z.string().nullable(),
    severity: z.enum(SEVERITIES),
    enabled: z.boolean(),
    kinds: z.array(z.string()),
    group_by: z.array(z.string()),
    channels: z.array(z.string()),
  })
  .meta({ id: 'AlertRuleView' });
export type AlertRuleView = z.output<typeof ruleView>;

/** What a silence is asked for with. */
export const silenceBody = z
  .strictObject({
    matchers: matchersSchema.describe(
      '`rule`, `severity` or a label, with the value that it must have; all must hold',
    ),
    duration_seconds: z.int().min(1).max(2_592_000),
    comment: z.string().min(1).max(500).describe('why; kept in the event'),
  })
  .meta({ id: 'SilenceBody' });
export type SilenceBody = z.output<typeof silenceBody>;

/** A silence in an answer. */
export const silenceView = z
  .object({
    id: uuid,
    matchers: labels,
    comment: z.string(),
    created_at: instant,
    created_by: z.string(),
    until: instant,
    ended_at: instant.nullable(),
    ended_by: z.string().nullable(),
  })
  .meta({ id: 'SilenceView' });
export type SilenceView = z.output<typeof silenceView>;

/** An alert as it is answered. */
export function alertViewOf(alert: Alert): AlertView {
  return {
    id: alert.id,
    rule: alert.rule,
    severity: alert.severity,
    summary: alert.summary,
    labels: { ...alert.labels },
    state: alert.state,
    events: alert.events,
    told_events: alert.toldEvents,
    first_index: alert.firstIndex,
    last_index: alert.lastIndex,
    first_event_at: instantOf(alert.firstEventAt),
    last_event_at: instantOf(alert.lastEventAt),
    samples: alert.samples.map((sample) => ({ ...sample })),
    opened_at: instantOf(alert.openedAt),
    notify_at: instantOrNull(alert.notifyAt),
    notified_at: instantOrNull(alert.notifiedAt),
    notifications: alert.notifications,
    silenced_by: alert.silencedBy,
    resolved_at: instantOrNull(alert.resolvedAt),
  };
}

/** How far a telling has got, as it is answered. */
export function notificationViewOf(state: NotificationState): NotificationView {
  return {
    id: state.id,
    kind: state.kind,
    channel: state.channel,
    state: state.state,
    attempts: state.attempts,
    last_error: state.lastError,
    created_at: instantOf(state.createdAt),
    ended_at: instantOrNull(state.endedAt),
  };
}

/** A rule as it is answered, with the channels that its alerts go to. */
export function ruleViewOf({ rule, kinds }: CompiledRule, channels: readonly string[]): AlertRuleView {
  return {
    name: rule.name,
    summary: rule.summary,
    description: rule.description ?? null,
    severity: rule.severity,
    enabled: rule.enabled,
    kinds: [...kinds],
    group_by: [...rule.group_by],
    channels: [...channels],
  };
}

/** A silence as it is answered. */
export function silenceViewOf(silence: Silence): SilenceView {
  return {
    id: silence.id,
    matchers: { ...silence.matchers },
    comment: silence.comment,
    created_at: instantOf(silence.createdAt),
    created_by: silence.createdBy,
    until: instantOf(silence.until),
    ended_at: instantOrNull(silence.endedAt),
    ended_by: silence.endedBy,
  };
}
