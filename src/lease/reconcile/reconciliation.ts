/** What one reconciliation can find. */
export const FINDING_KINDS = [
  'issuing_orphaned',
  'lease_lost',
  'lease_unknown',
  'lease_ambiguous',
  'token_unknown',
  'target_user',
  'clock_skew',
] as const;
export type FindingKind = (typeof FINDING_KINDS)[number];

/** What was done about a finding: nothing, what its kind calls for, or that failed. */
export type FindingAction = 'none' | 'done' | 'failed';

/** One thing on which the books disagree. Never a secret, never an accessor. */
export interface Finding {
  readonly kind: FindingKind;
  /** For people: what is odd, and what to do where it is theirs to do. */
  readonly detail: string;
  readonly action: FindingAction;
  readonly credential?: string | undefined;
  readonly mount?: string | undefined;
  readonly leaseId?: string | undefined;
  readonly vaultLease?: string | undefined;
  readonly account?: string | undefined;
}

/** Something that could not be compared, and why. */
export interface NotLookedAt {
  readonly what: string;
  readonly why: string;
}

/** What a reconciliation saw; grows while it runs. */
export interface Summary {
  /** Findings by kind; exact, also where not every one is listed. */
  readonly counts: Readonly<Record<FindingKind, number>>;
  /** Findings about which something was done. */
  readonly acted: number;
  readonly lookedAt: {
    readonly rows: number;
    readonly vaultLeases: number;
    readonly tokens: number;
    readonly targetUsers: number;
  };
  readonly notLookedAt: readonly NotLookedAt[];
  /** How far other clocks are ahead of ours, in milliseconds; null where they did not tell. */
  readonly skewMs: { readonly database: number | null; readonly vault: number | null };
  /** Whether it held revocation, because the books differ too much for anything to be done by itself. */
  readonly held: boolean;
}

/** Who wanted it: the scheduler, a person, or a hold that began. */
export const TRIGGERS = ['scheduled', 'asked', 'hold'] as const;
export type Trigger = (typeof TRIGGERS)[number];

export const RECONCILIATION_STATES = ['waiting', 'running', 'done', 'failed', 'aborted'] as const;
export type ReconciliationState = (typeof RECONCILIATION_STATES)[number];

/** One comparison of the books: asked for, under way, or with its report. */
export interface Reconciliation {
  readonly id: string;
  readonly trigger: Trigger;
  /** It looks and changes nothing. */
  readonly dryRun: boolean;
  readonly state: ReconciliationState;
  readonly reason: string | null;
  readonly requestedAt: Date;
  readonly requestedBy: string;
  readonly startedAt: Date | null;
  readonly finishedAt: Date | null;
  /** A stable code and public text; of one that failed. */
  readonly error: string | null;
  readonly summary: Summary;
}

/** The summary of a reconciliation that has not looked at anything yet. */
export const NOTHING_SEEN: Summary = {
  counts: Object.fromEntries(FINDING_KINDS.map((kind) => [kind, 0])) as Record<FindingKind, number>,
  acted: 0,
  lookedAt: { rows: 0, vaultLeases: 0, tokens: 0, targetUsers: 0 },
  notLookedAt: [],
  skewMs: { database: null, vault: null },
  held: false,
};
