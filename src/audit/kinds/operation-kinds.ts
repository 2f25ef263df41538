import { maybe, open, type Fields } from '../field-class.js';

/** Kinds about alerts, sinks, the log itself and running the broker. */
export const OPERATION_KINDS = {
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
    /** Entries before this one may be missing, since they were archived. */
    archived_before: maybe<number>(),
    /** Names of the filters and their values, that of `account` as an HMAC. */
    filters: maybe<readonly string[]>(),
  },
  /** A scheduled export could not be written; it is tried again, and `attempts` counts up to the one that succeeds. */
  'audit.export_failed': {
    schedule: open<string>(),
    from_index: open<number>(),
    attempts: open<number>(),
    detail: open<string>(),
  },
  /** A scheduled export that had failed was written. */
  'audit.export_recovered': { schedule: open<string>(), attempts: open<number>() },
  /** Entries were archived before a scheduled export could write them. */
  'audit.export_missed': { schedule: open<string>(), from_index: open<number>(), to_index: open<number>() },
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
  /** Entries past their age stay, since a sink or a scheduled export has not read them; said once for each class and part. */
  'audit.retention_waits': {
    from_index: open<number>(),
    to_index: open<number>(),
    class: open<string>(),
    entries: open<number>(),
    readers: open<readonly string[]>(),
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
    archived_before: maybe<number>(),
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
