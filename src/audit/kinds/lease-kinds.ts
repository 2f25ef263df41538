import { hashed, maybe, open, type Fields } from '../field-class.js';

/** Kinds about leases and their ends, reconciliation and the kill switch. */
export const LEASE_KINDS = {
  // Leases
  'lease.requested': {
    kind: open<string>(),
    mount: open<string>(),
    delivery: open<string>(),
    ttl_seconds: open<number>(),
    revocable: open<boolean>(),
    accessor: hashed(),
  },
  'lease.issued': {
    expires_at: open<string>(),
    delivery: open<string>(),
    revocable: open<boolean>(),
    vault_lease: hashed(),
    account: hashed(),
  },
  'lease.failed': { detail: maybe<string>() },
  'lease.refused': { detail: maybe<string>() },
  'lease.renewed': { expires_at: open<string>(), renewals: open<number>() },
  'lease.renewal_refused': { detail: maybe<string>(), usable_until: maybe<string>() },
  'lease.revocation_requested': {
    cause: open<string>(),
    revocable: open<boolean>(),
    reason: maybe<string>(),
  },
  'lease.revocation_failed': {
    attempts: open<number>(),
    detail: open<string>(),
    next_attempt_at: open<string>(),
  },
  /** It failed `leases.stuckAfterAttempts` times; it is tried all the same. */
  'lease.stuck': {
    mount: open<string>(),
    revocable: open<boolean>(),
    attempts: open<number>(),
    detail: open<string>(),
    next_attempt_at: open<string>(),
  },
  'lease.retry_requested': { attempts: open<number>(), reason: maybe<string>() },
  /** The broker tries no longer, and nothing proves that the credential is dead: what may be alive, and where. */
  'lease.forgotten': {
    reason: open<string>(),
    cause: open<string>(),
    mount: open<string>(),
    revocable: open<boolean>(),
    attempts: open<number>(),
    last_error: maybe<string>(),
    stuck_since: open<string>(),
    /** When Vault ends it by itself at the latest, if it can. */
    max_expires_at: open<string>(),
    account: hashed(),
    vault_lease: hashed(),
    accessor: hashed(),
  },
  'lease.ended': {
    state: open<string>(),
    cause: open<string>(),
    proof: open<string>(),
    revocable: open<boolean>(),
    attempts: open<number>(),
    secret_lives_on: open<boolean>(),
  },
  /** What Vault's own audit log says that was done with a lease's token, or with a wrapped answer. */
  'lease.used': {
    /** `request`, `denied` or `unwrapped`. */
    use: open<string>(),
    path: open<string>(),
    operation: open<string>(),
    /** Address that it came from, as Vault saw it. */
    source: maybe<string>(),
    count: open<number>(),
    first_at: open<string>(),
    last_at: open<string>(),
    /** Whether the lease had ended by then. */
    after_end: open<boolean>(),
    /** Where the lines came from. */
    via: open<string>(),
    /** Vault's id of one of the requests. */
    vault_request: maybe<string>(),
  },
  /** What the log of a target says about logins of the account of a lease. */
  'account.connected': {
    /** `connected` or `refused`. */
    result: open<string>(),
    account: hashed(),
    mount: open<string>(),
    database: maybe<string>(),
    source: maybe<string>(),
    count: open<number>(),
    first_at: open<string>(),
    last_at: open<string>(),
    after_end: open<boolean>(),
    via: open<string>(),
  },
  'lease.orphaned': { age_seconds: open<number>() },
  'lease.lost': { detail: open<string>() },
  'revocation.lagging': {
    mount: open<string>(),
    lag_seconds: open<number>(),
    waiting: open<number>(),
    held: open<boolean>(),
  },
  'revocation.caught_up': { mount: open<string>(), lagged_seconds: open<number>() },
  'lease.unknown_found': { mount: open<string>(), vault_lease: hashed(), revoked: open<boolean>() },
  'token.unknown_found': { accessor: hashed(), revoked: open<boolean>() },
  'reconciliation.asked': {
    reconciliation_id: open<string>(),
    dry_run: open<boolean>(),
    reason: maybe<string>(),
  },
  'reconciliation.aborted': { reconciliation_id: open<string>() },
  'reconciliation.finished': {
    reconciliation_id: open<string>(),
    trigger: open<string>(),
    dry_run: open<boolean>(),
    state: open<string>(),
    acted: open<number>(),
    issuing_orphaned: open<number>(),
    lease_lost: open<number>(),
    lease_unknown: open<number>(),
    lease_ambiguous: open<number>(),
    token_unknown: open<number>(),
    target_user: open<number>(),
    clock_skew: open<number>(),
  },
  'clock.skewed': { of: open<string>(), skew_ms: open<number>() },

  // The kill switch
  'revocation.requested': {
    revocation_id: open<string>(),
    selector: open<Readonly<Record<string, string | readonly string[]>>>(),
    cause: open<string>(),
    reason: maybe<string>(),
    leases: open<number>(),
  },
  'revocation.completed': {
    revocation_id: open<string>(),
    leases: open<number>(),
    /** Of which Vault confirmed that they are gone. */
    proved: open<number>(),
    /** That somebody gave up: they may be alive. */
    forgotten: open<number>(),
    seconds: open<number>(),
  },
  'block.created': {
    block_id: open<string>(),
    kind: open<string>(),
    issuer: maybe<string>(),
    subject: maybe<string>(),
    mount: maybe<string>(),
    credentials: maybe<readonly string[]>(),
    until: maybe<string>(),
    reason: open<string>(),
  },
  'block.lifted': { block_id: open<string>(), kind: open<string>(), reason: maybe<string>() },
} as const satisfies Record<string, Fields>;
