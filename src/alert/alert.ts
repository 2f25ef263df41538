/** How much an alert matters; least first. */
export const SEVERITIES = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof SEVERITIES)[number];

/**
 * `firing ──► resolved`: an alert fires from the first event of its group on, and is resolved when none has come for as
 * long as its rule says and everything has been told. The next event of the group is another alert.
 */
export const ALERT_STATES = ['firing', 'resolved'] as const;
export type AlertState = (typeof ALERT_STATES)[number];

/** What an alert tells apart from others of its rule: names from the rule's `group_by`, and the values of its events. */
export type Labels = Readonly<Record<string, string>>;

/** One of an alert's events, with what leads further: its index in the log and the reference of the request. */
export interface Sample {
  readonly index: number;
  readonly event_id: string;
  readonly time: string;
  readonly kind: string;
  readonly outcome: string;
  readonly code?: string;
  readonly reference?: string;
  readonly run_id?: string;
  readonly step_id?: string;
  readonly grant?: string;
  readonly credential?: string;
  readonly tool?: string;
}

/** Events of one rule that belong together, as long as they keep coming. */
export interface Alert {
  readonly id: string;
  readonly rule: string;
  readonly severity: Severity;
  readonly summary: string;
  readonly labels: Labels;
  readonly state: AlertState;
  /** How many events there were, and of how many somebody has been told. */
  readonly events: number;
  readonly toldEvents: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly firstEventAt: Date;
  readonly lastEventAt: Date;
  /** The newest few. */
  readonly samples: readonly Sample[];
  readonly openedAt: Date;
  readonly changedAt: Date;
  /** When somebody is told next; null when there is nothing new. */
  readonly notifyAt: Date | null;
  readonly notifiedAt: Date | null;
  readonly notifications: number;
  /** The silence that holds it back. */
  readonly silencedBy: string | null;
  readonly resolvedAt: Date | null;
}
