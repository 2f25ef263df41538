import type { Tx } from '../database/transaction.js';
import type { Alert, AlertState, Labels, Sample, Severity } from './alert.js';

interface AlertRow {
  id: string;
  rule: string;
  severity: Severity;
  summary: string;
  labels: Labels;
  state: AlertState;
  events: string;
  told_events: string;
  first_index: string;
  last_index: string;
  first_event_at: Date;
  last_event_at: Date;
  samples: Sample[];
  opened_at: Date;
  changed_at: Date;
  notify_at: Date | null;
  notified_at: Date | null;
  notifications: number;
  silenced_by: string | null;
  resolved_at: Date | null;
}

/** The alerts that the rest of a statement selects. */
export async function selectAlerts(tx: Tx, where: string, values: readonly unknown[]): Promise<Alert[]> {
  const rows = await tx.query<AlertRow[]>(`SELECT * FROM alerts ${where}`, [...values]);
  return rows.map(toAlert);
}

/** Events of one group that were found in one stretch of the log. */
export interface FoundEvents {
  readonly rule: string;
  readonly severity: Severity;
  readonly summary: string;
  readonly key: string;
  readonly labels: Labels;
  readonly count: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
  /** Oldest first. */
  readonly samples: readonly Sample[];
  readonly groupWaitSeconds: number;
  readonly repeatSeconds: number;
}

/** How many events an alert keeps to show. */
export const SAMPLES = 5;

/**
 * Adds events to the alert that fires for their group, or makes it: under the id given, and then answers true. It has
 * to be told after the group's wait, and not sooner after the last time than the rule repeats.
 */
export async function addEvents(tx: Tx, id: string, found: FoundEvents, now: Date): Promise<boolean> {
  const [row] = await tx.query<{ id: string }[]>(
    `INSERT INTO alerts AS a (id, rule, severity, summary, group_key, labels, events, first_index, last_index,
       first_event_at, last_event_at, samples, opened_at, changed_at, notify_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13,
       $13::timestamptz + $14 * interval '1 second')
     ON CONFLICT (rule, group_key) WHERE state = 'firing' DO UPDATE SET
       severity = excluded.severity, summary = excluded.summary,
       events = a.events + excluded.events,
       last_index = greatest(a.last_index, excluded.last_index),
       first_event_at = least(a.first_event_at, excluded.first_event_at),
       last_event_at = greatest(a.last_event_at, excluded.last_event_at),
       samples = (SELECT jsonb_agg(s ORDER BY (s ->> 'index')::bigint) FROM (
         SELECT s FROM jsonb_array_elements(a.samples || excluded.samples) AS s
         ORDER BY (s ->> 'index')::bigint DESC LIMIT ${SAMPLES}) AS newest),
       changed_at = excluded.changed_at,
       notify_at = coalesce(a.notify_at,
         greatest(excluded.notify_at, a.notified_at + $15 * interval '1 second'))
     RETURNING id`,
    [
      id,
      found.rule,
      found.severity,
      found.summary,
      found.key,
      JSON.stringify(found.labels),
      found.count,
      found.firstIndex,
      found.lastIndex,
      found.firstAt,
      found.lastAt,
      JSON.stringify(found.samples.slice(-SAMPLES)),
      now,
      found.groupWaitSeconds,
      found.repeatSeconds,
    ],
  );
  return row?.id === id;
}

function toAlert(row: AlertRow): Alert {
  return {
    id: row.id,
    rule: row.rule,
    severity: row.severity,
    summary: row.summary,
    labels: row.labels,
    state: row.state,
    events: Number(row.events),
    toldEvents: Number(row.told_events),
    firstIndex: Number(row.first_index),
    lastIndex: Number(row.last_index),
    firstEventAt: row.first_event_at,
    lastEventAt: row.last_event_at,
    samples: row.samples,
    openedAt: row.opened_at,
    changedAt: row.changed_at,
    notifyAt: row.notify_at,
    notifiedAt: row.notified_at,
    notifications: row.notifications,
    silencedBy: row.silenced_by,
    resolvedAt: row.resolved_at,
  };
}
