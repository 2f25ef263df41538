import type { Alert, Labels, Sample, Severity } from './alert.js';

/** Why somebody is told. */
export type NotificationKind = 'firing' | 'resolved' | 'test';

/**
 * What is told, and the body of a webhook. It is written when it falls due and never changes, so that every attempt
 * says the same under the same id.
 */
export interface Notification {
  readonly type: `alert.${NotificationKind}`;
  /** Stable over all attempts: a receiver that has seen it has seen this. */
  readonly id: string;
  readonly alert_id: string | null;
  readonly rule: string;
  readonly severity: Severity;
  readonly summary: string;
  readonly labels: Labels;
  /** Events of the alert so far, and how many of them nobody has been told before. */
  readonly events: number;
  readonly new_events: number;
  readonly first_event_at: string;
  readonly last_event_at: string;
  readonly samples: readonly Sample[];
  /** Where the broker is. */
  readonly broker: string;
}

/** What is told of an alert now. */
export function notificationOf(
  id: string,
  kind: 'firing' | 'resolved',
  alert: Alert,
  broker: string,
): Notification {
  return {
    type: `alert.${kind}`,
    id,
    alert_id: alert.id,
    rule: alert.rule,
    severity: alert.severity,
    summary: alert.summary,
    labels: alert.labels,
    events: alert.events,
    new_events: alert.events - alert.toldEvents,
    first_event_at: alert.firstEventAt.toISOString(),
    last_event_at: alert.lastEventAt.toISOString(),
    samples: alert.samples,
    broker,
  };
}

/** What is told to try a channel out. */
export function testNotification(
  id: string,
  rule: { readonly name: string; readonly severity: Severity; readonly summary: string } | undefined,
  now: Date,
  broker: string,
): Notification {
  return {
    type: 'alert.test',
    id,
    alert_id: null,
    rule: rule?.name ?? 'test',
    severity: rule?.severity ?? 'info',
    summary: `This is a test. ${rule?.summary ?? 'Nothing has happened.'}`,
    labels: {},
    events: 0,
    new_events: 0,
    first_event_at: now.toISOString(),
    last_event_at: now.toISOString(),
    samples: [],
    broker,
  };
}
