import { hashed, maybe, open, type Fields } from '../field-class.js';

/** Kinds about calls, what they cost, and what goes around the gateway and the broker. */
export const GATEWAY_KINDS = {
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
} as const satisfies Record<string, Fields>;
