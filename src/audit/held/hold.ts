/** Somebody who decided on a version of a grant, as the log says. */
export interface GrantDecisionRecord {
  /** `grant.created`, `grant.changed`, `grant.submitted`, `grant.approved` or `grant.activated`. */
  readonly kind: string;
  readonly at: Date;
  readonly issuer: string | null;
  readonly subject: string | null;
  /** Its place in the log. */
  readonly index: number;
}

/** The version of a grant under which something was held, and who let it. */
export interface HoldGrant {
  readonly id: string | null;
  readonly name: string | null;
  readonly version: number | null;
  /** Subject of who approved the version; null where nobody had to. */
  readonly approvedBy: string | null;
  /** In the order of the log. */
  readonly decisions: readonly GrantDecisionRecord[];
}

/** What a hold was used for, of one kind of event. */
export interface HoldUse {
  readonly kind: string;
  readonly events: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
  readonly firstIndex: number;
  readonly lastIndex: number;
}

/** One credential in the hands of one run and step, from when to when. */
export interface Hold {
  readonly leaseId: string;
  readonly credential: string | null;
  readonly kind: string | null;
  readonly mount: string | null;
  readonly delivery: string | null;
  readonly runRef: string | null;
  readonly runId: string | null;
  readonly stepId: string | null;
  readonly workload: { readonly issuer: string | null; readonly subject: string | null };
  /** What its platform said of it when the run was opened, verified; null where the log does not say. */
  readonly claims: Readonly<Record<string, unknown>> | null;
  readonly grant: HoldGrant;
  /** When it was asked for: nothing was made before. */
  readonly from: Date;
  /** When it was handed over; null when it never was, as far as the log says. */
  readonly issuedAt: Date | null;
  /** When it was proved dead; null while nobody proved that. */
  readonly to: Date | null;
  readonly expiresAt: Date | null;
  /** `revoked`, `expired` or `forgotten`; null while it is held. */
  readonly state: string | null;
  readonly cause: string | null;
  readonly proof: string | null;
  /** Ending the lease did not end the secret, which whoever held it may still know. */
  readonly secretLivesOn: boolean;
  /** Places in the log of what this is told from. */
  readonly indexes: { readonly first: number; readonly issued: number | null; readonly ended: number | null };
  readonly uses: readonly HoldUse[];
  /** False where only the first of many uses were counted. */
  readonly usesComplete: boolean;
}

/** What was held. All that is given must fit; values are compared exactly. */
export interface HoldFilters {
  readonly credential?: string | undefined;
  /** The plain name of a database user. */
  readonly account?: string | undefined;
  /** The plain accessor of a lease's token in Vault. */
  readonly accessor?: string | undefined;
  /** The serial number of a certificate, in any usual writing. */
  readonly serial?: string | undefined;
  readonly lease?: string | undefined;
  /** Our id of a run. */
  readonly runRef?: string | undefined;
  /** Held at this moment; not together with `from` and `to`. */
  readonly at?: Date | undefined;
  /** Held at some moment of the span `[from, to)`. */
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
}
