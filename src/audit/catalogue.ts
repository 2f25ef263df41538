import { hashed, maybe, open, type DataOf, type Fields, type JsonValue } from './field-class.js';

/** Why a lease, or all of a run's or grant's leases, had to end. */
export const REVOKE_CAUSES = [
  'released',
  'run_closed',
  'run_revoked',
  'run_expired',
  'grant_suspended',
  'grant_revoked',
  'grant_expired',
  'admin',
  'expiry',
  'credential_disabled',
  'workload_blocked',
  'issuer_blocked',
  'target_blocked',
  'superseded',
  'failed',
  'crashed',
  'lost',
] as const;
export type RevokeCause = (typeof REVOKE_CAUSES)[number];

/**
 * Every kind of event that the product writes, with the class of each field. A field that is not here cannot be
 * written: the types refuse it, and the inbox checks again. `docs/reference/events.md` is generated from this.
 */
export const EVENT_KINDS = {
  // Identity
  'exchange.accepted': {
    token_id: open<string>(),
    scope: maybe<string>(),
    expires_at: open<string>(),
    key_bound: open<boolean>(),
    new_run: open<boolean>(),
  },
  'exchange.refused': { detail: maybe<string>(), issuer: maybe<string>() },
  'authentication.accepted': { issuer: open<string>(), roles: open<readonly string[]>() },
  'authentication.refused': { route: open<string>(), detail: maybe<string>() },
  'authorization.refused': { route: open<string>(), needs: open<readonly string[]>() },
  'issuer.preset_drift': {
    issuer: open<string>(),
    preset: open<string>(),
    missing: open<readonly string[]>(),
  },
  'signing_key.created': { key_id: open<string>(), verifies_until: open<string>() },

  // Grants
  'grant.created': { state: open<string>(), version: open<number>(), warnings: maybe<readonly string[]>() },
  'grant.changed': { version: open<number>(), state: open<string>(), warnings: maybe<readonly string[]>() },
  'grant.submitted': { version: open<number>() },
  'grant.approved': { version: open<number>() },
  'grant.activated': { version: open<number>() },
  'grant.suspended': { reason: maybe<string>() },
  'grant.resumed': { reason: maybe<string>() },
  'grant.revoked': { reason: maybe<string>() },
  'grant.expired': { expired_at: open<string>() },

  // Credentials
  'credential.created': {
    kind: open<string>(),
    mount: open<string>(),
    path: open<string>(),
    max_ttl_seconds: open<number>(),
    revocable: open<boolean>(),
  },
  'credential.changed': { version: open<number>(), changed: open<readonly string[]>() },
  'credential.disabled': { reason: maybe<string>() },
  'credential.enabled': { reason: maybe<string>() },

  // Tools
  'tool.created': {
    version: open<number>(),
    method: open<string>(),
    url: open<string>(),
    uses_credential: maybe<string>(),
  },
  'tool.changed': { version: open<number>(), changed: open<readonly string[]>() },
  'tool.disabled': { reason: maybe<string>() },
  'tool.enabled': { reason: maybe<string>() },

  // Runs
  'run.opened': {
    deadline: open<string>(),
    /** What the platform said of the workload, verified: the claims that the grant's conditions name. */
    claims: maybe<Readonly<Record<string, JsonValue>>>(),
  },
  'run.closed': { leases: open<number>(), reason: maybe<string>() },
  'run.revoked': { leases: open<number>(), reason: maybe<string>() },
  'run.expired': { leases: open<number>() },

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

  // Calls
  'call.started': {
    call_id: open<string>(),
    method: open<string>(),
    host: open<string>(),
    url: hashed(),
    request_bytes: open<number>(),
    reserved_micros: open<number>(),
    deadline: open<string>(),
  },
  'call.ended': {
    call_id: open<string>(),
    /** `success`, `refused`, `failure`, or `unknown` when nobody knows whether the request arrived. */
    result: open<string>(),
    status: maybe<number>(),
    duration_ms: maybe<number>(),
    request_bytes: maybe<number>(),
    response_bytes: maybe<number>(),
    cost_micros: maybe<number>(),
    /** What the cost was made of: units by name. */
    units: maybe<Readonly<Record<string, number>>>(),
    /** What the scrubber found, in either direction. */
    findings: maybe<readonly { readonly kind: string; readonly count: number }[]>(),
    /** Address that was connected to. */
    address: maybe<string>(),
    detail: maybe<string>(),
  },
  'call.refused': {
    /** The check that refused it, by name. */
    check: open<string>(),
    route: maybe<string>(),
    call_id: maybe<string>(),
    detail: maybe<string>(),
    findings: maybe<readonly { readonly kind: string; readonly count: number }[]>(),
  },
  'call.rows_dropped': { calls: open<number>(), before: open<string>() },

  // Costs
  'cost.usage_imported': {
    sources: open<readonly string[]>(),
    rows: open<number>(),
    /** Rows that are new or that the provider corrected. */
    changed: open<number>(),
    first_day: open<string>(),
    last_day: open<string>(),
  },
  'cost.difference_found': {
    day: open<string>(),
    key: open<string>(),
    source: open<string>(),
    ours_micros: open<number>(),
    theirs_micros: open<number>(),
    /** Theirs without ours: negative where the provider saw less than we sent. */
    difference_micros: open<number>(),
  },

  // What goes around the gateway and the broker
  'shadow.egress': {
    host: open<string>(),
    /** Tools whose host it is. */
    tools: open<readonly string[]>(),
    /** `connection`, `request` or `dns`: what the log saw. */
    evidence: open<string>(),
    /** False where something in between refused it. */
    allowed: open<boolean>(),
    source: maybe<string>(),
    /** Subject of the workload, as its platform's tokens name it, or the user at a proxy. */
    workload: maybe<string>(),
    pod: maybe<string>(),
    count: open<number>(),
    first_at: open<string>(),
    last_at: open<string>(),
    batch: open<string>(),
  },
  'shadow.provider_usage': {
    day: open<string>(),
    key: open<string>(),
    source: open<string>(),
    theirs_micros: open<number>(),
    ours_micros: open<number>(),
    beyond_micros: open<number>(),
  },
  'shadow.vault_read': {
    mount: open<string>(),
    path: open<string>(),
    accessor: hashed(),
    display_name: maybe<string>(),
    source: maybe<string>(),
    vault_request: open<string>(),
    count: open<number>(),
    first_at: open<string>(),
    last_at: open<string>(),
    batch: open<string>(),
  },
  'shadow.imported': {
    format: open<string>(),
    batch: open<string>(),
    lines: open<number>(),
    unreadable: open<number>(),
    found: open<number>(),
  },

  /** Lines of a log that was followed were lost before they were read. */
  'shadow.lines_lost': {
    via: open<string>(),
    /** `gap`: a file went before it was read to its end; `overflow`: they came faster than they could be kept. */
    cause: open<string>(),
    /** How many, where that is known. */
    lines: maybe<number>(),
  },

  // Alerts
  'alert.fired': {
    alert_id: open<string>(),
    rule: open<string>(),
    severity: open<string>(),
    labels: open<Readonly<Record<string, string>>>(),
  },
  'alert.resolved': { alert_id: open<string>(), rule: open<string>(), events: open<number>() },
  'alert.notification_failed': {
    notification_id: open<string>(),
    rule: maybe<string>(),
    channel: open<string>(),
    attempts: open<number>(),
    given_up: open<boolean>(),
    detail: open<string>(),
  },
  'alert.silenced': {
    silence_id: open<string>(),
    matchers: open<Readonly<Record<string, string>>>(),
    until: open<string>(),
    comment: open<string>(),
  },
  'alert.silence_ended': { silence_id: open<string>() },
  'alert.tested': { channels: open<readonly string[]>() },

  // Sinks
  /** A receiver was named in the settings for the first time; it is sent the log from this index on. */
  'sink.created': { sink: open<string>(), type: open<string>(), next_index: open<number>() },
  'sink.lagging': {
    sink: open<string>(),
    lag_seconds: open<number>(),
    lag_events: open<number>(),
    detail: maybe<string>(),
  },
  'sink.caught_up': { sink: open<string>() },
  'sink.dead_lettered': {
    sink: open<string>(),
    letter_id: open<string>(),
    event_id: open<string>(),
    index: open<number>(),
    attempts: open<number>(),
    detail: open<string>(),
  },
  /** Entries were dropped from the database before the sink had been sent them. */
  'sink.missed': { sink: open<string>(), from_index: open<number>(), to_index: open<number>() },
  'sink.retried': { sink: open<string>(), letters: open<number>() },

  // Running it
  /** Somebody read the log; further pages, and the same again within a minute, belong to it. */
  'audit.read': {
    /** `events`, `count`, `histogram`, `held`, `story`, … */
    read: open<string>(),
    /** Names of the filters and their values; those that identify something sensitive as an HMAC. */
    filters: maybe<readonly string[]>(),
  },
  'audit.exported': {
    export_id: open<string>(),
    format: open<string>(),
    compression: maybe<string>(),
    /** Name of the scheduled export that it belongs to. */
    schedule: maybe<string>(),
    from_index: open<number>(),
    to_index: maybe<number>(),
    filtered: open<boolean>(),
    /** Names of the filters and their values, that of `account` as an HMAC. */
    filters: maybe<readonly string[]>(),
  },
  'audit.part_closed': { from_index: open<number>(), to_index: open<number>() },
  /** Entries of a class were written to a file, which was read again and verified. */
  'audit.archived': {
    from_index: open<number>(),
    to_index: open<number>(),
    class: open<string>(),
    kinds: open<readonly string[]>(),
    entries: open<number>(),
    file: open<string>(),
    sha256: open<string>(),
  },
  /** They left the database; the file has them. */
  'audit.removed': {
    from_index: open<number>(),
    to_index: open<number>(),
    class: open<string>(),
    entries: open<number>(),
    sha256: open<string>(),
  },
  'audit.restored': {
    from_index: open<number>(),
    to_index: open<number>(),
    class: open<string>(),
    entries: open<number>(),
    sha256: open<string>(),
    reason: maybe<string>(),
  },
  /** Past their maximum age they are nowhere any more. Their hashes stay in the tree. */
  'audit.destroyed': {
    from_index: open<number>(),
    to_index: open<number>(),
    class: open<string>(),
    entries: open<number>(),
    max_days: open<number>(),
  },
  'legal_hold.placed': {
    hold_id: open<string>(),
    /** Names of what it selects by. */
    selects_by: open<readonly string[]>(),
    reason: open<string>(),
  },
  'legal_hold.lifted': { hold_id: open<string>(), reason: open<string>() },
  /** All of it was handed over; what it was, so that whoever has the file can prove that it is this one. */
  'audit.export_finished': {
    export_id: open<string>(),
    format: open<string>(),
    compression: maybe<string>(),
    schedule: maybe<string>(),
    from_index: open<number>(),
    to_index: open<number>(),
    filtered: open<boolean>(),
    count: open<number>(),
    bytes: open<number>(),
    /** Hex; of the whole file. */
    sha256: open<string>(),
  },
  'log.signing_failed': { reason: open<string>(), size: open<number>() },
  'log.signing_resumed': { size: open<number>() },
  /** The log in the database does not continue the one that was signed last. */
  'log.set_back': { detail: open<string>(), size: open<number>(), signed_size: open<number>() },
  'log.origin_changed': {
    former: open<string>(),
    /** How far the former one was signed. */
    former_size: open<number>(),
    origin: open<string>(),
    /** What it begins with. */
    size: open<number>(),
    /** Entries that were gone, each a `log.entry_lost` now. */
    lost: open<number>(),
    reason: open<string>(),
  },
  /** The end of the log in the database was tampered with: nothing is sequenced until somebody decides. */
  'log.damaged': { detail: open<string>(), size: open<number>() },
  /** Stands where an entry was when its log was damaged. */
  'log.entry_lost': { index: open<number>() },
  /** Events have waited to be sequenced for longer than they should. */
  'log.stalled': { waiting_since: open<string>(), size: open<number>() },
  'revocation.held': { reason: maybe<string>() },
  'revocation.resumed': { reason: maybe<string>() },
  'retention.dropped': {
    leases: open<number>(),
    runs: open<number>(),
    idempotency_keys: open<number>(),
    token_uses: open<number>(),
    signing_keys: open<number>(),
  },
} as const satisfies Record<string, Fields>;

/** A kind of event. */
export type EventKind = keyof typeof EVENT_KINDS;

/** The data that a kind of event carries besides its envelope. */
export type EventData<K extends EventKind> = DataOf<(typeof EVENT_KINDS)[K]>;
