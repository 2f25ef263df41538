/** What was done with a lease, as others than the broker saw it; the words of `lease_uses.what`. */
export const USES = [
  'handed_out',
  'vault_request',
  'vault_denied',
  'unwrapped',
  'login',
  'login_refused',
] as const;
export type Use = (typeof USES)[number];

/** One use of a lease that a line of a log tells of. */
export interface LeaseUse {
  readonly leaseId: string;
  readonly use: Use;
  /** Path in Vault, or name of the database. */
  readonly place: string;
  /** Vault's operation; empty for logins. */
  readonly operation: string;
  /** Address that it came from; empty where the log does not say. */
  readonly source: string;
  /** Vault's id of the request; empty for logins. */
  readonly request: string;
  readonly at: Date;
}

/** Uses of one lease that are alike and of one span of time. */
export interface UseGroup extends Omit<LeaseUse, 'at'> {
  readonly spanStart: Date;
  readonly count: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
}
