/** Generated from the OpenAPI document by tools/generate-api-types.mjs; do not edit. */

export interface AlertDetailView {
  alert: AlertView;
  notifications: NotificationView[];
}

export interface AlertRuleView {
  name: string;
  summary: string;
  description: string | null;
  severity: 'info' | 'warning' | 'critical';
  enabled: boolean;
  kinds: string[];
  group_by: string[];
  channels: string[];
}

export type AlertTestBody = {
  /** to the channels of this rule */
  rule?: string | undefined;
  /** to this channel alone */
  channel?: string | undefined;
} | null;

export interface AlertTestView {
  /** all of them were taken */
  ok: boolean;
  notifications: NotificationView[];
}

export interface AlertView {
  id: string;
  rule: string;
  severity: 'info' | 'warning' | 'critical';
  summary: string;
  labels: Record<string, string>;
  state: 'firing' | 'resolved';
  /** how many events belong to it */
  events: number;
  /** of how many of them somebody has been told */
  told_events: number;
  /** of the log */
  first_index: number;
  last_index: number;
  first_event_at: string;
  last_event_at: string;
  /** the newest events */
  samples: Record<string, unknown>[];
  opened_at: string;
  /** when somebody is told next; null when there is nothing new */
  notify_at: string | null;
  notified_at: string | null;
  notifications: number;
  silenced_by: string | null;
  resolved_at: string | null;
}

export interface AuditCountView {
  count: number;
  /** false when counting ended at `at_most` */
  exact: boolean;
}

export interface AuditHeadView {
  origin: string;
  size: number;
  /** SHA-256, in hex */
  root_hash: string;
}

export interface AuditHistogramView {
  from: string;
  to: string;
  interval_seconds: number;
  steps: {
    /** when the step begins */
    at: string;
    /** the kind or outcome that was counted */
    value?: string | undefined;
    count: number;
  }[];
}

export interface AuditRecordView {
  index: number;
  event: Record<string, unknown>;
  /** SHA-256, in hex */
  leaf_hash: string;
}

export interface AuthorizationServerMetadata {
  issuer: string;
  token_endpoint: string;
  jwks_uri: string;
  response_types_supported: string[];
  grant_types_supported: string[];
  token_endpoint_auth_methods_supported: string[];
  dpop_signing_alg_values_supported: string[];
  service_documentation: string;
}

export interface BlockBody {
  workload?: WorkloadSelector | undefined;
  /** name of the issuer in the settings, or the exact `iss` of its tokens */
  issuer?: string | undefined;
  /** mount of the secrets engine */
  target?: string | undefined;
  reason: string;
  /** when it ends by itself */
  until?: string | undefined;
}

export interface BlockView {
  id: string;
  kind: 'workload' | 'issuer' | 'target';
  /** the exact `iss` of its tokens */
  issuer: string | null;
  subject: string | null;
  /** mount of the secrets engine */
  target: string | null;
  /** that a target’s block disabled, and lifting it enables */
  credentials: string[];
  reason: string;
  /** when it ends by itself */
  until: string | null;
  created_at: string;
  created_by: string;
  lifted_at: string | null;
  lifted_by: string | null;
}

export interface BlockedView {
  block: BlockView;
  leases: number;
  revocation: string;
}

export interface CallRecordView {
  id: string;
  run: { ref: string; run_id: string };
  step_id: string;
  grant: { id: string; version: number };
  workload: { issuer: string; subject: string };
  tool: { name: string; version: number };
  state: 'open' | 'ended';
  /** `unknown`: it left, and nobody knows what became of it */
  outcome: ('success' | 'refused' | 'failure' | 'unknown') | null;
  code: string | null;
  /** the provider's */
  status: number | null;
  started_at: string;
  /** after this it counts as lost */
  deadline: string;
  ended_at: string | null;
  request_bytes: number;
  response_bytes: number | null;
  /** millionths of the currency */
  reserved_micros: number;
  cost_micros: number | null;
  units: Record<string, number>;
}

export interface CallView {
  call: { id: string; tool: string; tool_version: number };
  response: {
    /** the provider's */
    status: number;
    headers: Record<string, string>;
    content_type: string;
    /** how `body` is written */
    encoding: 'json' | 'text' | 'base64';
    /** JSON as it came, text, or bytes in base64; null when there was none */
    body: unknown;
  };
  /** what the scrubber found, in either direction */
  findings: {
    /** `credential`, a detector with its kind, or `pattern/NAME` */
    kind: string;
    count: number;
  }[];
  cost: { micros: number; units: Record<string, number> };
}

export interface CostView {
  /** of UTC */
  day?: string | undefined;
  run?: { ref: string; run_id: string } | undefined;
  step_id?: string | undefined;
  grant?: { id: string; name: string | null } | undefined;
  tool?: string | undefined;
  workload?: { issuer: string; subject: string } | undefined;
  calls: number;
  /** of which nobody knows what became of them; they count with what was set aside */
  unknown_calls: number;
  /** millionths of the currency in which tools have their prices */
  cost_micros: number;
  request_bytes: number;
  response_bytes: number;
  /** as providers reported them */
  units: Record<string, number>;
}

export interface CredentialBody {
  name: string;
  kind: 'database' | 'kv' | 'pki';
  /** mount of the secrets engine */
  mount: string;
  /** database role, KV path or PKI role, relative to the mount */
  path: string;
  /** KV: `version`; PKI: `common_name`, `alt_names`, `ip_sans`; database: none */
  parameters?: Record<string, string | number | boolean> | undefined;
  /** `inline` unless told; with `gateway`, tools may use it without any worker seeing it */
  deliveries?: ('inline' | 'wrapped' | 'gateway')[] | undefined;
  /** 900 unless told */
  default_ttl_seconds?: number | undefined;
  /** 3600 unless told */
  max_ttl_seconds?: number | undefined;
  /** true unless told; never for KV */
  revocable?: boolean | undefined;
  description?: string | undefined;
  labels?: Record<string, string> | undefined;
}

export interface CredentialView {
  name: string;
  /** counts every change; what If-Match compares */
  version: number;
  kind: 'database' | 'kv' | 'pki';
  mount: string;
  path: string;
  parameters: Record<string, string | number | boolean>;
  deliveries: ('inline' | 'wrapped' | 'gateway')[];
  default_ttl_seconds: number;
  max_ttl_seconds: number;
  revocable: boolean;
  enabled: boolean;
  description: string;
  labels: Record<string, string>;
  created_at: string;
  created_by: string;
  updated_at: string;
}

export interface DeadLetterView {
  id: string;
  sink: string;
  /** of the log */
  index: number;
  event_id: string;
  kind: string;
  state: 'dead' | 'retrying' | 'delivered';
  attempts: number;
  last_error: string;
  created_at: string;
  changed_at: string;
}

/** stable; the catalogue is in the documentation */
export type ErrorCode =
  | 'request_malformed'
  | 'request_invalid'
  | 'request_too_large'
  | 'media_type_unsupported'
  | 'not_found'
  | 'method_not_allowed'
  | 'idempotency_key_reused'
  | 'idempotency_in_progress'
  | 'precondition_required'
  | 'precondition_failed'
  | 'range_not_satisfiable'
  | 'entries_archived'
  | 'conflict'
  | 'name_taken'
  | 'state_transition_refused'
  | 'share_exceeded'
  | 'rate_limited'
  | 'authentication_required'
  | 'token_malformed'
  | 'token_oversize'
  | 'token_algorithm_refused'
  | 'token_header_refused'
  | 'token_claims_ambiguous'
  | 'token_claim_type'
  | 'issuer_unknown'
  | 'issuer_unavailable'
  | 'issuer_keys_refused'
  | 'issuer_quota_exceeded'
  | 'token_key_unknown'
  | 'token_signature_invalid'
  | 'token_audience_refused'
  | 'token_expired'
  | 'token_not_yet_valid'
  | 'token_too_old'
  | 'token_lifetime_refused'
  | 'token_replayed'
  | 'proof_required'
  | 'proof_invalid'
  | 'run_token_invalid'
  | 'run_token_expired'
  | 'origin_refused'
  | 'role_required'
  | 'run_identity_missing'
  | 'run_identity_refused'
  | 'unsupported_grant_type'
  | 'subject_token_type_refused'
  | 'target_refused'
  | 'scope_refused'
  | 'grant_not_found'
  | 'grant_ambiguous'
  | 'grant_not_active'
  | 'grant_conditions_invalid'
  | 'approval_by_author'
  | 'grant_limit_reached'
  | 'workload_blocked'
  | 'target_blocked'
  | 'confirmation_required'
  | 'run_closed'
  | 'run_limit_reached'
  | 'credential_unknown'
  | 'credential_not_granted'
  | 'credential_disabled'
  | 'delivery_refused'
  | 'ttl_refused'
  | 'lease_not_active'
  | 'lease_not_renewable'
  | 'lease_in_progress'
  | 'credential_unavailable'
  | 'tool_unknown'
  | 'tool_not_granted'
  | 'tool_disabled'
  | 'parameter_unknown'
  | 'parameter_refused'
  | 'tool_response_refused'
  | 'response_too_large'
  | 'call_cancelled'
  | 'concurrency_limited'
  | 'bytes_limited'
  | 'budget_exhausted'
  | 'grant_changed'
  | 'tool_changed'
  | 'limits_unavailable'
  | 'gateway_overloaded'
  | 'destination_refused'
  | 'destination_unresolvable'
  | 'upstream_unreachable'
  | 'upstream_tls_refused'
  | 'upstream_timeout'
  | 'upstream_response_refused'
  | 'redirect_refused'
  | 'request_blocked'
  | 'response_blocked'
  | 'response_unreadable'
  | 'credential_unusable'
  | 'vault_unavailable'
  | 'vault_sealed'
  | 'vault_denied'
  | 'vault_refused'
  | 'vault_mount_missing'
  | 'vault_role_missing'
  | 'database_unavailable'
  | 'overloaded'
  | 'shutting_down'
  | 'internal_error';

export interface ExplainBody {
  /** the OIDC token of a workload */
  token: string;
  grant?: string | undefined;
  run_id?: string | undefined;
  step_id?: string | undefined;
}

export interface ExplanationView {
  issuer: string;
  subject: string;
  decision:
    | {
        accepted: true;
        grant: string;
        run: { run_id: string; step_id: string; run_from: 'claim' | 'asserted' };
      }
    | { accepted: false; code: string; detail?: string | undefined };
  /** the nearest first */
  grants: {
    id: string;
    name: string;
    version: number;
    state: 'draft' | 'pending_approval' | 'active' | 'suspended' | 'revoked' | 'expired';
    matched: boolean;
    clauses: {
      /** JSON pointer to the clause in the spec */
      clause: string;
      matched: boolean;
      wanted: (string | number | boolean)[];
      /** what the token says there */
      found?: string | undefined;
      nearest?: { wanted: string | number | boolean; differs: string } | undefined;
      error?: string | undefined;
    }[];
    run:
      | { run_id: string; step_id: string; run_from: 'claim' | 'asserted' }
      | { code: string; field?: string | undefined; detail?: string | undefined };
    error?: string | undefined;
  }[];
}

export interface ExportManifestView {
  /** of the event `audit.export_finished` */
  index: number;
  /** its exact text: SHA-256, bytes, count, range and size of the log */
  leaf: string;
  /** c2sp.org/tlog-proof@v1; null until a signed checkpoint covers the event */
  proof: string | null;
}

export interface FindingView {
  kind:
    | 'issuing_orphaned'
    | 'lease_lost'
    | 'lease_unknown'
    | 'lease_ambiguous'
    | 'token_unknown'
    | 'target_user'
    | 'clock_skew';
  detail: string;
  /** what was done about it */
  action: 'none' | 'done' | 'failed';
  credential: string | null;
  mount: string | null;
  lease_id: string | null;
  vault_lease: string | null;
  /** the user at the target */
  account: string | null;
}

export interface ForgottenLeaseView {
  lease: LeaseView;
  /** what nothing proves to be dead */
  may_be_alive: {
    /** the secrets engine's mount in Vault */
    mount: string;
    /** the user at the target, or the serial; null where none is known */
    account: string | null;
    /** when Vault ends it by itself at the latest, if it can */
    vault_ends_it_at: string;
  };
}

export interface GrantCreateBody {
  name: string;
  description?: string | undefined;
  labels?: Record<string, string> | undefined;
  /** name of the issuer, as in the settings */
  issuer: string;
  workload: {
    /** claims that must all match; a list means any of its values; `*` matches within one segment */
    claims: Record<string, (string | number | boolean) | (string | number | boolean)[]>;
    /** CEL over `claims` that must also be true */
    cel?: string | undefined;
  };
  run: {
    /** where the run id comes from */
    from: 'claim' | 'asserted';
    /** the issuer's preset says, if this does not */
    run_id_claim?: string | undefined;
    /** where the step id comes from */
    step_from: 'claim' | 'asserted';
    /** the issuer's preset says, if this does not */
    step_id_claim?: string | undefined;
    /** longest life of a run */
    max_duration_seconds?: number | undefined;
  };
  /** what may be leased; at least one of these or of the tools */
  credentials?:
    | {
        name: string;
        max_ttl_seconds?: number | undefined;
        deliveries?: ('inline' | 'wrapped' | 'gateway')[] | undefined;
      }[]
    | undefined;
  /** tools of the gateway that may be called */
  tools?:
    | {
        name: string;
        /** values by JSON pointer (`/path/user_id`) that are filled in; another value is refused */
        constants?: Record<string, string | number | boolean | null> | undefined;
        /** by JSON pointer, values of which one has to be there; of a list, each member has to be one */
        allow?: Record<string, (string | number | boolean | null)[]> | undefined;
        /** CEL over `args` (`args.path`, `args.query`, `args.header`, `args.body`) that must be true */
        cel?: string | undefined;
      }[]
    | undefined;
  limits?:
    | {
        open_runs?: number | undefined;
        live_leases?: number | undefined;
        live_leases_per_run?: number | undefined;
      }
    | undefined;
  expires_at?: string | undefined;
  /** `active` unless told */
  state?: ('draft' | 'active') | undefined;
}

export interface GrantSpec {
  name: string;
  description?: string | undefined;
  labels?: Record<string, string> | undefined;
  /** name of the issuer, as in the settings */
  issuer: string;
  workload: {
    /** claims that must all match; a list means any of its values; `*` matches within one segment */
    claims: Record<string, (string | number | boolean) | (string | number | boolean)[]>;
    /** CEL over `claims` that must also be true */
    cel?: string | undefined;
  };
  run: {
    /** where the run id comes from */
    from: 'claim' | 'asserted';
    /** the issuer's preset says, if this does not */
    run_id_claim?: string | undefined;
    /** where the step id comes from */
    step_from: 'claim' | 'asserted';
    /** the issuer's preset says, if this does not */
    step_id_claim?: string | undefined;
    /** longest life of a run */
    max_duration_seconds?: number | undefined;
  };
  /** what may be leased; at least one of these or of the tools */
  credentials?:
    | {
        name: string;
        max_ttl_seconds?: number | undefined;
        deliveries?: ('inline' | 'wrapped' | 'gateway')[] | undefined;
      }[]
    | undefined;
  /** tools of the gateway that may be called */
  tools?:
    | {
        name: string;
        /** values by JSON pointer (`/path/user_id`) that are filled in; another value is refused */
        constants?: Record<string, string | number | boolean | null> | undefined;
        /** by JSON pointer, values of which one has to be there; of a list, each member has to be one */
        allow?: Record<string, (string | number | boolean | null)[]> | undefined;
        /** CEL over `args` (`args.path`, `args.query`, `args.header`, `args.body`) that must be true */
        cel?: string | undefined;
      }[]
    | undefined;
  limits?:
    | {
        open_runs?: number | undefined;
        live_leases?: number | undefined;
        live_leases_per_run?: number | undefined;
      }
    | undefined;
  expires_at?: string | undefined;
}

export interface GrantVersionView {
  grant_id: string;
  version: number;
  spec: GrantSpec;
  created_at: string;
  created_by: string;
  approved_by: string | null;
}

export interface GrantView {
  id: string;
  name: string;
  state: 'draft' | 'pending_approval' | 'active' | 'suspended' | 'revoked' | 'expired';
  /** what If-Match compares */
  version: number;
  spec: GrantSpec;
  expires_at: string | null;
  created_at: string;
  created_by: string;
  updated_at: string;
  /** what an admin should look at; never a reason to refuse */
  warnings: string[];
}

export interface HeldPage {
  items: HeldView[];
  /** ask for the next page with it; null on the last one */
  next_cursor: string | null;
  /** every entry of the log below this index was looked at */
  complete_to: number;
}

export interface HeldView {
  lease_id: string;
  credential: string | null;
  kind: string | null;
  mount: string | null;
  delivery: string | null;
  run_ref: string | null;
  run_id: string | null;
  step_id: string | null;
  workload: {
    issuer: string | null;
    subject: string | null;
    /** what its platform said of it, verified when the run was opened */
    claims: Record<string, unknown> | null;
  };
  grant: {
    id: string | null;
    name: string | null;
    version: number | null;
    /** subject; null where no approval was needed */
    approved_by: string | null;
    decisions: {
      /** such as `grant.approved` */
      kind: string;
      at: string;
      issuer: string | null;
      subject: string | null;
      /** place in the log */
      index: number;
    }[];
  };
  /** when it was asked for */
  from: string;
  /** null when it was never handed over */
  issued_at: string | null;
  /** when it was proved dead; null while nobody has proved that */
  to: string | null;
  expires_at: string | null;
  /** `revoked`, `expired` or `forgotten`; null while it is held */
  state: string | null;
  cause: string | null;
  proof: string | null;
  /** the lease ended, and the secret still works */
  secret_lives_on: boolean;
  indexes: {
    /** place in the log */
    first: number;
    issued: number | null;
    ended: number | null;
  };
  uses: {
    kind: string;
    events: number;
    first_at: string;
    last_at: string;
    /** place in the log */
    first_index: number;
    /** place in the log */
    last_index: number;
  }[];
  /** false where only the first of many were counted */
  uses_complete: boolean;
}

export interface HoldReleaseBody {
  /** what was looked at; kept in the event */
  reason: string;
}

export interface HoldView {
  /** ends are recorded and wait */
  held: boolean;
  changed_at: string | null;
  changed_by: string | null;
  reason: string | null;
  /** the newest comparison of the books since the hold began */
  look: ReconciliationView | null;
}

export interface IssuedLease {
  lease: LeaseView;
  /** inline delivery: what Vault made, such as `username` and `password`; answered once, never stored */
  credential?: Record<string, unknown> | undefined;
  /** wrapped delivery */
  wrapping?:
    | {
        /** unwraps the credential at Vault, once */
        token: string;
        expires_at: string;
        vault_address: string;
      }
    | undefined;
}

export interface IssuerView {
  name: string;
  url: string;
  audience: string;
  algorithms: string[];
  preset:
    | 'kubernetes'
    | 'github-actions'
    | 'gitlab-ci'
    | 'spiffe'
    | 'google'
    | 'aws'
    | 'azure'
    | 'buildkite'
    | 'circleci'
    | 'hcp-terraform'
    | 'generic';
  replay: string;
  usable_for: string[];
  keys: { ok: boolean; age_seconds: number | null; detail: string | null };
}

export interface Jwks {
  keys: Record<string, unknown>[];
}

export interface KillBody {
  selector: KillSelector;
  /** why; kept in the events. A block needs one */
  reason?: string | undefined;
  /** says what would end, and ends nothing */
  dry_run?: boolean | undefined;
  /** of the problem `confirmation_required`, when many leases would end */
  confirmation?: string | undefined;
  /** `suspend` unless told */
  grants?: ('suspend' | 'revoke') | undefined;
  /** when the block of a workload, issuer or target ends */
  until?: string | undefined;
}

export interface KillSelector {
  /** our id of a run; it is revoked */
  run?: string | undefined;
  /** id or name; it is suspended, or revoked with `grants` */
  grant?: string | undefined;
  /** it is blocked, and its runs end */
  workload?: WorkloadSelector | undefined;
  /** all its workloads are blocked, and their runs end */
  issuer?: string | undefined;
  /** it is disabled */
  credential?: string | undefined;
  /** it is blocked: all its credentials are disabled */
  target?: string | undefined;
  /** `key=value`: every grant with this label is suspended, or revoked with `grants` */
  label?: string | undefined;
  /** ids of leases; no door is shut */
  leases?: string[] | undefined;
}

export interface LeaseBody {
  /** name in the catalogue */
  credential: string;
  /** seconds; the catalogue's default unless told, and never more than grant and catalogue allow */
  ttl_seconds?: number | undefined;
  /** `inline` unless told; `gateway` is refused, since only the gateway has those */
  delivery?: ('inline' | 'wrapped' | 'gateway') | undefined;
  /** the step, where it is not the run token's */
  step_id?: string | undefined;
}

export interface LeaseUseView {
  /** `handed_out` is the read by which the broker got it; everything else was somebody else */
  use: 'handed_out' | 'vault_request' | 'vault_denied' | 'unwrapped' | 'login' | 'login_refused';
  /** path in Vault, or database that was logged in to */
  place: string;
  /** Vault's operation; empty for logins */
  operation: string;
  /** address that it came from, where the log says */
  source: string | null;
  count: number;
  first_at: string;
  last_at: string;
  /** the log that says so */
  via: string;
}

export interface LeaseUsesView {
  items: LeaseUseView[];
}

export interface LeaseView {
  id: string;
  /** the platform's id of the run */
  run_id: string;
  /** our id of the run */
  run_ref: string;
  step_id: string;
  grant: string;
  grant_id: string;
  grant_version: number;
  credential: string;
  kind: 'database' | 'kv' | 'pki';
  /** the secrets engine's mount in Vault */
  mount: string;
  delivery: 'inline' | 'wrapped' | 'gateway';
  /** whether the end of the lease makes the credential worthless */
  revocable: boolean;
  state: 'issuing' | 'active' | 'revoking' | 'orphaned' | 'revoked' | 'expired' | 'forgotten';
  requested_at: string;
  issued_at: string | null;
  expires_at: string;
  /** no renewal goes beyond */
  max_expires_at: string;
  renewals: number;
  revoke_cause: string | null;
  ended_at: string | null;
  /** what Vault's look-ups said when it ended */
  proof: string | null;
  /** attempts at revoking it */
  attempts: number;
  last_error: string | null;
  next_attempt_at: string | null;
  /** since when it fails again and again; it is tried all the same */
  stuck_since: string | null;
  workload: {
    /** name of the issuer, as in the settings */
    issuer: string;
    subject: string;
  };
}

export interface LegalHoldBody {
  /** all that is given must hold */
  selector: {
    /** any of these */
    kinds?:
      | (
          | 'exchange.accepted'
          | 'exchange.refused'
          | 'authentication.accepted'
          | 'authentication.refused'
          | 'authorization.refused'
          | 'issuer.preset_drift'
          | 'signing_key.created'
          | 'grant.created'
          | 'grant.changed'
          | 'grant.submitted'
          | 'grant.approved'
          | 'grant.activated'
          | 'grant.suspended'
          | 'grant.resumed'
          | 'grant.revoked'
          | 'grant.expired'
          | 'credential.created'
          | 'credential.changed'
          | 'credential.disabled'
          | 'credential.enabled'
          | 'tool.created'
          | 'tool.changed'
          | 'tool.disabled'
          | 'tool.enabled'
          | 'run.opened'
          | 'run.closed'
          | 'run.revoked'
          | 'run.expired'
          | 'lease.requested'
          | 'lease.issued'
          | 'lease.failed'
          | 'lease.refused'
          | 'lease.renewed'
          | 'lease.renewal_refused'
          | 'lease.revocation_requested'
          | 'lease.revocation_failed'
          | 'lease.stuck'
          | 'lease.retry_requested'
          | 'lease.forgotten'
          | 'lease.ended'
          | 'lease.used'
          | 'account.connected'
          | 'lease.orphaned'
          | 'lease.lost'
          | 'revocation.lagging'
          | 'revocation.caught_up'
          | 'lease.unknown_found'
          | 'token.unknown_found'
          | 'reconciliation.asked'
          | 'reconciliation.aborted'
          | 'reconciliation.finished'
          | 'clock.skewed'
          | 'revocation.requested'
          | 'revocation.completed'
          | 'block.created'
          | 'block.lifted'
          | 'call.started'
          | 'call.ended'
          | 'call.refused'
          | 'call.rows_dropped'
          | 'cost.usage_imported'
          | 'cost.difference_found'
          | 'shadow.egress'
          | 'shadow.provider_usage'
          | 'shadow.vault_read'
          | 'shadow.imported'
          | 'shadow.lines_lost'
          | 'alert.fired'
          | 'alert.resolved'
          | 'alert.notification_failed'
          | 'alert.silenced'
          | 'alert.silence_ended'
          | 'alert.tested'
          | 'sink.created'
          | 'sink.lagging'
          | 'sink.caught_up'
          | 'sink.dead_lettered'
          | 'sink.missed'
          | 'sink.retried'
          | 'audit.read'
          | 'audit.exported'
          | 'audit.export_failed'
          | 'audit.export_recovered'
          | 'audit.export_missed'
          | 'audit.part_closed'
          | 'audit.archived'
          | 'audit.removed'
          | 'audit.retention_waits'
          | 'audit.restored'
          | 'audit.destroyed'
          | 'legal_hold.placed'
          | 'legal_hold.lifted'
          | 'audit.export_finished'
          | 'log.signing_failed'
          | 'log.signing_resumed'
          | 'log.set_back'
          | 'log.origin_changed'
          | 'log.damaged'
          | 'log.entry_lost'
          | 'log.stalled'
          | 'revocation.held'
          | 'revocation.resumed'
          | 'retention.dropped'
        )[]
      | undefined;
    /** not before */
    from?: string | undefined;
    /** before */
    to?: string | undefined;
    /** the platform's run id */
    run?: string | undefined;
    /** our id of the run */
    run_ref?: string | undefined;
    /** id or name */
    grant?: string | undefined;
    lease?: string | undefined;
    credential?: string | undefined;
    tool?: string | undefined;
    /** subject of the workload */
    workload?: string | undefined;
    /** subject of who did it */
    actor?: string | undefined;
    /** a leased account, such as a database user; kept as an HMAC */
    account?: string | undefined;
  };
  /** why; kept in the event */
  reason: string;
}

export interface LegalHoldView {
  id: string;
  selector: {
    /** any of these */
    kinds?:
      | (
          | 'exchange.accepted'
          | 'exchange.refused'
          | 'authentication.accepted'
          | 'authentication.refused'
          | 'authorization.refused'
          | 'issuer.preset_drift'
          | 'signing_key.created'
          | 'grant.created'
          | 'grant.changed'
          | 'grant.submitted'
          | 'grant.approved'
          | 'grant.activated'
          | 'grant.suspended'
          | 'grant.resumed'
          | 'grant.revoked'
          | 'grant.expired'
          | 'credential.created'
          | 'credential.changed'
          | 'credential.disabled'
          | 'credential.enabled'
          | 'tool.created'
          | 'tool.changed'
          | 'tool.disabled'
          | 'tool.enabled'
          | 'run.opened'
          | 'run.closed'
          | 'run.revoked'
          | 'run.expired'
          | 'lease.requested'
          | 'lease.issued'
          | 'lease.failed'
          | 'lease.refused'
          | 'lease.renewed'
          | 'lease.renewal_refused'
          | 'lease.revocation_requested'
          | 'lease.revocation_failed'
          | 'lease.stuck'
          | 'lease.retry_requested'
          | 'lease.forgotten'
          | 'lease.ended'
          | 'lease.used'
          | 'account.connected'
          | 'lease.orphaned'
          | 'lease.lost'
          | 'revocation.lagging'
          | 'revocation.caught_up'
          | 'lease.unknown_found'
          | 'token.unknown_found'
          | 'reconciliation.asked'
          | 'reconciliation.aborted'
          | 'reconciliation.finished'
          | 'clock.skewed'
          | 'revocation.requested'
          | 'revocation.completed'
          | 'block.created'
          | 'block.lifted'
          | 'call.started'
          | 'call.ended'
          | 'call.refused'
          | 'call.rows_dropped'
          | 'cost.usage_imported'
          | 'cost.difference_found'
          | 'shadow.egress'
          | 'shadow.provider_usage'
          | 'shadow.vault_read'
          | 'shadow.imported'
          | 'shadow.lines_lost'
          | 'alert.fired'
          | 'alert.resolved'
          | 'alert.notification_failed'
          | 'alert.silenced'
          | 'alert.silence_ended'
          | 'alert.tested'
          | 'sink.created'
          | 'sink.lagging'
          | 'sink.caught_up'
          | 'sink.dead_lettered'
          | 'sink.missed'
          | 'sink.retried'
          | 'audit.read'
          | 'audit.exported'
          | 'audit.export_failed'
          | 'audit.export_recovered'
          | 'audit.export_missed'
          | 'audit.part_closed'
          | 'audit.archived'
          | 'audit.removed'
          | 'audit.retention_waits'
          | 'audit.restored'
          | 'audit.destroyed'
          | 'legal_hold.placed'
          | 'legal_hold.lifted'
          | 'audit.export_finished'
          | 'log.signing_failed'
          | 'log.signing_resumed'
          | 'log.set_back'
          | 'log.origin_changed'
          | 'log.damaged'
          | 'log.entry_lost'
          | 'log.stalled'
          | 'revocation.held'
          | 'revocation.resumed'
          | 'retention.dropped'
        )[]
      | undefined;
    /** not before */
    from?: string | undefined;
    /** before */
    to?: string | undefined;
    /** the platform's run id */
    run?: string | undefined;
    /** our id of the run */
    run_ref?: string | undefined;
    /** id or name */
    grant?: string | undefined;
    lease?: string | undefined;
    credential?: string | undefined;
    tool?: string | undefined;
    /** subject of the workload */
    workload?: string | undefined;
    /** subject of who did it */
    actor?: string | undefined;
    account_hmac?: string | undefined;
  };
  reason: string;
  placed_at: string;
  placed_by: string;
  lifted_at: string | null;
  lifted_by: string | null;
  lifted_because: string | null;
}

export interface LogKeysView {
  items: {
    /** `name+id+base64`, as verifiers of signed notes read it */
    key: string;
    version: number;
    created_at: string;
  }[];
}

export interface LogOriginBody {
  /** what happened to the log; kept in the event */
  reason: string;
}

export interface LogOriginView {
  origin: string;
  began_at: string;
  /** entries that it took over */
  size: number;
  /** SHA-256, in hex */
  root_hash: string;
  /** what was signed last */
  former: { origin: string; size: number; root_hash: string };
  /** entries that were gone; each is a `log.entry_lost` now */
  lost: number;
  /** a signed note under both names; null where the log is not signed */
  link: string | null;
  reason: string;
}

export interface LogOriginsView {
  items: LogOriginView[];
}

export interface LogPartView {
  from_index: number;
  /** without it; null while the part is open */
  to_index: number | null;
  closed: boolean;
  /** what of it is not, or not only, in the database */
  archives: {
    class: string;
    /** `removed`: only in the file; `restored`: back from it for a while; `destroyed`: nowhere */
    state: 'archived' | 'removed' | 'restored' | 'destroyed';
    kinds: string[];
    entries: number;
    first_at: string;
    last_at: string;
    file: string | null;
    sha256: string | null;
  }[];
}

export interface LogPartsView {
  items: LogPartView[];
}

export interface LoginView {
  issuers: {
    name: string;
    url: string;
    client_id: string;
    scope: string;
    audience: string;
    /** which of the tokens is the bearer */
    token: 'access_token' | 'id_token';
    /** send the audience as `resource` (RFC 8707) */
    send_resource: boolean;
  }[];
}

export interface McpResourceMetadata {
  resource: string;
  authorization_servers: string[];
  scopes_supported: string[];
  bearer_methods_supported: string[];
  dpop_signing_alg_values_supported: string[];
  resource_name: string;
  resource_documentation: string;
}

export interface NotificationView {
  /** the `webhook-id` and the message id */
  id: string;
  kind: 'firing' | 'resolved' | 'test';
  channel: string;
  state: 'waiting' | 'delivered' | 'abandoned';
  attempts: number;
  last_error: string | null;
  created_at: string;
  ended_at: string | null;
}

export interface OAuthError {
  /** RFC 6749 §5.2, RFC 8693 §2.2.2 */
  error: string;
  error_description: string;
  error_uri: string;
  code: ErrorCode;
  /** also in the log and in the event */
  reference: string;
}

export interface OwnCosts {
  calls: number;
  /** of calls that have ended */
  cost_micros: number;
  tools: CostView[];
}

export interface Problem {
  type: string;
  title: string;
  status: number;
  detail?: string | undefined;
  code: ErrorCode;
  /** also in the log and in the event */
  reference: string;
  /** JSON pointer into the body, or name of a parameter */
  field?: string | undefined;
  errors?: { field: string; message: string }[] | undefined;
  /** of a renewal that was refused: until when the credential works all the same; null when it is dead or being ended */
  usable_until?: (string | null) | undefined;
  /** of `confirmation_required`: what to send back */
  confirmation?: string | undefined;
  /** of `confirmation_required`: how many would end */
  leases?: number | undefined;
}

export interface ProtectedResourceMetadata {
  resource: string;
  authorization_servers: string[];
  jwks_uri: string;
  bearer_methods_supported: string[];
  dpop_signing_alg_values_supported: string[];
  resource_name: string;
  resource_documentation: string;
}

export interface ReadinessView {
  ready: boolean;
  checks: Record<
    string,
    {
      ok: boolean;
      detail?: string | undefined;
      /** name of what was found */
      state?: string | undefined;
      /** what to do about it */
      advice?: string | undefined;
    }
  >;
}

export interface ReconciledView {
  day: string;
  /** label provider-key of a credential, or its name */
  key: string;
  source: string | null;
  state: 'match' | 'difference' | 'unreported';
  calls: number;
  /** millionths of the currency in which tools have their prices */
  ours_micros: number;
  theirs_micros: number | null;
  /** theirs without ours */
  difference_micros: number | null;
}

export type ReconciliationBody = {
  /** only look */
  dry_run?: boolean | undefined;
  /** why; kept in the event */
  reason?: string | undefined;
} | null;

export interface ReconciliationView {
  id: string;
  /** `scheduled`: by itself; `hold`: because a hold began */
  trigger: 'scheduled' | 'asked' | 'hold';
  dry_run: boolean;
  state: 'waiting' | 'running' | 'done' | 'failed' | 'aborted';
  reason: string | null;
  requested_at: string;
  requested_by: string;
  started_at: string | null;
  finished_at: string | null;
  error: string | null;
  /** differences by kind; all of them, also where not every one is listed */
  counts: {
    issuing_orphaned: number;
    lease_lost: number;
    lease_unknown: number;
    lease_ambiguous: number;
    token_unknown: number;
    target_user: number;
    clock_skew: number;
  };
  /** differences that it settled */
  acted: number;
  looked_at: { rows: number; vault_leases: number; tokens: number; target_users: number };
  not_looked_at: { what: string; why: string }[];
  /** how far the other clocks are ahead; null where they do not tell */
  clock_skew_ms: { database: number | null; vault: number | null };
  /** whether it held revocation, because there was too much to settle by itself */
  held: boolean;
}

export interface RevocationProgressView {
  /** null for a dry run */
  id: string | null;
  /** `marking`: the counts still grow; `preview`: nothing was done */
  state: 'preview' | 'marking' | 'revoking' | 'done';
  selector: Record<string, string | string[]>;
  cause:
    | (
        | 'released'
        | 'run_closed'
        | 'run_revoked'
        | 'run_expired'
        | 'grant_suspended'
        | 'grant_revoked'
        | 'grant_expired'
        | 'admin'
        | 'expiry'
        | 'credential_disabled'
        | 'workload_blocked'
        | 'issuer_blocked'
        | 'target_blocked'
        | 'superseded'
        | 'failed'
        | 'crashed'
        | 'lost'
      )
    | null;
  reason: string | null;
  requested_by: string | null;
  requested_at: string | null;
  finished_at: string | null;
  /** of a dry run: open runs that would end or lose leases */
  runs: number | null;
  /** live leases that it is about */
  leases: number;
  /** of which Vault confirmed that they are gone */
  proved: number;
  /** that are still being revoked */
  outstanding: number;
  /** outstanding ones of which an attempt has failed */
  failing: number;
  /** that an admin gave up; they may be alive */
  forgotten: number;
  /** whose secret outlives their end: static secrets, plain certificates */
  secret_lives_on: number;
  mounts: {
    /** empty for leases whose rows were dropped */
    mount: string;
    /** live leases that it is about */
    leases: number;
    /** of which Vault confirmed that they are gone */
    proved: number;
    /** that are still being revoked */
    outstanding: number;
    /** outstanding ones of which an attempt has failed */
    failing: number;
    /** that an admin gave up; they may be alive */
    forgotten: number;
    /** whose secret outlives their end: static secrets, plain certificates */
    secret_lives_on: number;
    last_error: string | null;
    next_attempt_at: string | null;
  }[];
}

export interface RunEndView {
  run: RunView;
  /** live leases that it had */
  leases: number;
  /** leases of which the end is proved */
  proved: number;
  /** leases that are still being revoked */
  outstanding: number;
  /** where it can be watched: `GET /v1/revocations/{id}` */
  revocation: string;
}

export interface RunView {
  /** our id; `run_ref` of its leases */
  id: string;
  /** the platform's id */
  run_id: string;
  grant_id: string;
  grant: string;
  /** version of the grant under which it was opened */
  grant_version: number;
  workload: {
    /** name of the issuer, as in the settings */
    issuer: string;
    subject: string;
  };
  /** the claims that the grant's conditions name */
  claims: Record<string, unknown>;
  state: 'open' | 'closed' | 'revoked' | 'expired';
  opened_at: string;
  /** no lease of the run lives longer */
  deadline: string;
  ended_at: string | null;
  end_cause: string | null;
}

export interface ScheduledExportView {
  name: string;
  /** whether the settings of this replica have it */
  configured: boolean;
  format: string | null;
  every_seconds: number | null;
  /** the first entry of the log that it has not written */
  next_index: number;
  next_at: string;
  /** how late it is, failures included */
  overdue_seconds: number;
  /** failures in a row */
  attempts: number;
  last_error: string | null;
  failing_since: string | null;
  /** what it wrote last */
  last: {
    at: string;
    from_index: number;
    /** without it */
    to_index: number;
    count: number;
    /** on the replica that wrote it */
    folder: string;
  } | null;
}

export interface ShadowEgressView {
  id: string;
  host: string;
  tools: string[];
  evidence: 'connection' | 'request' | 'dns';
  allowed: boolean;
  source: string | null;
  workload: string | null;
  pod: string | null;
  day: string;
  count: number;
  first_at: string;
  last_at: string;
}

export interface ShadowImportView {
  /** SHA-256 of what was sent, in hex */
  batch: string;
  /** the same batch was taken before; nothing was counted again */
  repeated: boolean;
  lines: number;
  /** lines that are not of the format */
  unreadable: number;
  /** records of managed hosts or credentials */
  managed: number;
  /** records of our own among them */
  ours: number;
  /** records of which nobody can tell whose they are */
  undecided: number;
  /** records of what went around */
  shadow: number;
  /** events that were recorded: one for each group of them */
  events: number;
}

export interface SilenceBody {
  /** `rule`, `severity` or a label, with the value that it must have; all must hold */
  matchers: Record<string, string>;
  duration_seconds: number;
  /** why; kept in the event */
  comment: string;
}

export interface SilenceView {
  id: string;
  matchers: Record<string, string>;
  comment: string;
  created_at: string;
  created_by: string;
  until: string;
  ended_at: string | null;
  ended_by: string | null;
}

export type SinkRetryBody = {
  /** ids of dead letters; all of the sink unless told */
  letters?: string[] | undefined;
} | null;

export interface SinkRetryView {
  sink: string;
  /** dead letters that are tried again */
  letters: number;
}

export interface SinkView {
  name: string;
  kind: string;
  /** whether the settings of this replica have it */
  configured: boolean;
  /** the kinds of events that it is sent; null is all */
  kinds: string[] | null;
  /** the first entry of the log that it was not sent */
  next_index: number;
  lag_events: number;
  /** age of the first entry that it was not sent */
  lag_seconds: number;
  /** events that it has taken; repeated ones count again */
  delivered: number;
  /** failures in a row */
  attempts: number;
  next_attempt_at: string | null;
  last_error: string | null;
  last_delivered_at: string | null;
  lagging_since: string | null;
  /** events that it would not take */
  dead_letters: number;
}

export interface StoryItemView {
  index: number;
  time: string;
  kind: string;
  /** `identity`, `grant`, `run`, `lease`, `use`, `call`, `alert`, … */
  chapter: string;
  /** what the event says, as a sentence */
  says: string;
  actor: string;
  event: Record<string, unknown>;
}

export interface StoryView {
  run: {
    run_ref: string;
    run_id: string | null;
    workload: { issuer: string | null; subject: string | null; claims: Record<string, unknown> | null };
    grant: {
      id: string | null;
      name: string | null;
      version: number | null;
      decisions: {
        /** such as `grant.approved` */
        kind: string;
        at: string;
        issuer: string | null;
        subject: string | null;
        /** place in the log */
        index: number;
      }[];
    };
    opened_at: string | null;
    ended_at: string | null;
    ended: string | null;
    ended_by: string | null;
  };
  /** with the first page */
  sums: { kinds: Record<string, number>; refused: number; exact: boolean; cost_micros: number } | null;
  alerts: {
    id: string;
    rule: string;
    severity: string;
    summary: string;
    state: string;
    opened_at: string;
    resolved_at: string | null;
  }[];
  items: StoryItemView[];
  next_cursor: string | null;
}

export interface TokenForm {
  grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange';
  /** the platform's OIDC token */
  subject_token: string;
  subject_token_type:
    | 'urn:ietf:params:oauth:token-type:jwt'
    | 'urn:ietf:params:oauth:token-type:id_token'
    | 'urn:ietf:params:oauth:token-type:access_token';
  /** the public URL of this broker; may be repeated */
  resource?: string | undefined;
  /** the public URL of this broker; may be repeated */
  audience?: string | undefined;
  /** `grant:NAME` picks a grant, `credential:NAME` narrows the token to credentials */
  scope?: string | undefined;
  requested_token_type?: 'urn:ietf:params:oauth:token-type:access_token' | undefined;
  /** the run, where the grant lets the workload say so */
  run_id?: string | undefined;
  /** the step, where the grant lets the workload say so */
  step_id?: string | undefined;
}

export interface TokenView {
  access_token: string;
  issued_token_type: 'urn:ietf:params:oauth:token-type:access_token';
  token_type: 'Bearer' | 'DPoP';
  expires_in: number;
  scope: string;
  run_id: string;
  /** our id of the run */
  run_ref: string;
  step_id: string;
  grant: string;
}

export interface ToolBody {
  name: string;
  description?: string | undefined;
  labels?: Record<string, string> | undefined;
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** scheme, host and path; {name} stands for one whole or part of a path segment; no query */
  url: string;
  /** the host may resolve to private addresses */
  internal?: boolean | undefined;
  /** PEM file that replaces the system CAs for this host */
  ca_file?: string | undefined;
  /** URL templates that a redirect may lead to; none unless listed */
  redirects?: string[] | undefined;
  parameters?:
    | {
        /** one for each {name} of the URL */
        path?:
          Record<string, { schema: Record<string, unknown>; description?: string | undefined }> | undefined;
        query?:
          | Record<
              string,
              {
                schema: Record<string, unknown>;
                required?: boolean | undefined;
                description?: string | undefined;
              }
            >
          | undefined;
        header?:
          | Record<
              string,
              {
                schema: Record<string, unknown>;
                required?: boolean | undefined;
                description?: string | undefined;
              }
            >
          | undefined;
        body?:
          | {
              content_type?: string | undefined;
              required?: boolean | undefined;
              /** required for JSON; a body of another type is taken as bytes */
              schema?: Record<string, unknown> | undefined;
              /** passes bytes on as they come, from callers of `/g/`; not for JSON and forms */
              stream?: boolean | undefined;
              /** of a body that is passed on as it comes; others are bounded by the settings */
              max_bytes?: number | undefined;
            }
          | undefined;
      }
    | undefined;
  response?:
    | {
        schema?: Record<string, unknown> | undefined;
        max_bytes?: number | undefined;
        /** passes the answer on as it comes */
        stream?: boolean | undefined;
        /** further response headers that callers see */
        headers?: string[] | undefined;
      }
    | undefined;
  credential?:
    | {
        name: string;
        inject:
          | { as: 'bearer'; field?: string | undefined }
          | { as: 'basic'; username_field?: string | undefined; password_field?: string | undefined }
          | { as: 'header'; name: string; field?: string | undefined; prefix?: string | undefined }
          | { as: 'query'; name: string; field?: string | undefined }
          | {
              as: 'aws-sigv4';
              service: string;
              region: string;
              access_key_field?: string | undefined;
              secret_key_field?: string | undefined;
              session_token_field?: string | undefined;
            }
          | {
              as: 'hmac';
              field?: string | undefined;
              algorithm?: ('sha256' | 'sha512') | undefined;
              encoding?: ('hex' | 'base64') | undefined;
              header: string;
              prefix?: string | undefined;
              timestamp_header?: string | undefined;
              signed?: ('method' | 'path' | 'query' | 'timestamp' | 'body')[] | undefined;
              separator?: string | undefined;
            }
          | {
              as: 'client-certificate';
              certificate_field?: string | undefined;
              key_field?: string | undefined;
              ca_chain_field?: string | undefined;
            }
          | {
              as: 'oauth-client-credentials';
              token_url: string;
              client_id_field?: string | undefined;
              client_secret_field?: string | undefined;
              scope?: string | undefined;
              audience?: string | undefined;
            };
      }
    | undefined;
  limits?:
    | {
        /** exact sliding windows */
        calls?:
          { per: 'run' | 'grant' | 'workload' | 'tool'; max: number; window_seconds: number }[] | undefined;
        concurrent?: { per: 'run' | 'grant' | 'workload' | 'tool'; max: number }[] | undefined;
        /** request and response together */
        bytes?:
          { per: 'run' | 'grant' | 'workload' | 'tool'; max: number; window_seconds: number }[] | undefined;
        /** money; `day` is a day of UTC */
        budgets?:
          | {
              per: 'run' | 'grant' | 'tool';
              max_micros: number;
              window?: ('day' | 'run' | 'total') | undefined;
            }[]
          | undefined;
      }
    | undefined;
  scrub?:
    | {
        response?: ('redact' | 'block' | 'report') | undefined;
        request?: ('redact' | 'block' | 'report') | undefined;
        detectors?: ('email' | 'card' | 'iban' | 'key')[] | undefined;
        patterns?:
          | {
              name: string;
              /** RE2 syntax */
              pattern: string;
            }[]
          | undefined;
        /** answers that cannot be looked into: binary, unknown encodings */
        unreadable?: ('refuse' | 'allow') | undefined;
      }
    | undefined;
  cost?:
    | (
        | { by: 'call'; micros: number }
        | { by: 'byte'; micros_per_mebibyte: number }
        | {
            by: 'response';
            /** set aside before the call, settled after it */
            reserve_micros: number;
            /** JSON pointer to what chooses the price, such as the model */
            of?: string | undefined;
            /** where that is in the events of a stream, if elsewhere */
            stream_of?: string | undefined;
            units: {
              name: string;
              /** JSON pointer to a number in the answer, or in any event of a stream */
              pointer: string;
              /** where the number is in the events of a stream, if elsewhere */
              stream_pointer?: string | undefined;
              /** which number of a stream counts: the last (running totals) or all together */
              in_stream?: ('last' | 'sum') | undefined;
              /** JSON pointer to a number that is part of it and priced as another unit */
              less?: string | undefined;
              prices: { from: string; micros_per_unit: number; of?: string | undefined }[];
            }[];
          }
      )
    | undefined;
  timeout_ms?: number | undefined;
  /** only for GET, HEAD, PUT and DELETE, and only before an answer began */
  retries?: number | undefined;
}

export interface ToolSpecView {
  name: string;
  description?: string | undefined;
  labels: Record<string, string>;
  method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** scheme, host and path; {name} stands for one whole or part of a path segment; no query */
  url: string;
  /** the host may resolve to private addresses */
  internal: boolean;
  /** PEM file that replaces the system CAs for this host */
  ca_file?: string | undefined;
  /** URL templates that a redirect may lead to; none unless listed */
  redirects: string[];
  parameters: {
    /** one for each {name} of the URL */
    path: Record<string, { schema: Record<string, unknown>; description?: string | undefined }>;
    query: Record<
      string,
      { schema: Record<string, unknown>; required: boolean; description?: string | undefined }
    >;
    header: Record<
      string,
      { schema: Record<string, unknown>; required: boolean; description?: string | undefined }
    >;
    body?:
      | {
          content_type: string;
          required: boolean;
          /** required for JSON; a body of another type is taken as bytes */
          schema?: Record<string, unknown> | undefined;
          /** passes bytes on as they come, from callers of `/g/`; not for JSON and forms */
          stream: boolean;
          /** of a body that is passed on as it comes; others are bounded by the settings */
          max_bytes: number;
        }
      | undefined;
  };
  response: {
    schema?: Record<string, unknown> | undefined;
    max_bytes: number;
    /** passes the answer on as it comes */
    stream: boolean;
    /** further response headers that callers see */
    headers: string[];
  };
  credential?:
    | {
        name: string;
        inject:
          | { as: 'bearer'; field: string }
          | { as: 'basic'; username_field: string; password_field: string }
          | { as: 'header'; name: string; field: string; prefix: string }
          | { as: 'query'; name: string; field: string }
          | {
              as: 'aws-sigv4';
              service: string;
              region: string;
              access_key_field: string;
              secret_key_field: string;
              session_token_field?: string | undefined;
            }
          | {
              as: 'hmac';
              field: string;
              algorithm: 'sha256' | 'sha512';
              encoding: 'hex' | 'base64';
              header: string;
              prefix: string;
              timestamp_header?: string | undefined;
              signed: ('method' | 'path' | 'query' | 'timestamp' | 'body')[];
              separator: string;
            }
          | {
              as: 'client-certificate';
              certificate_field: string;
              key_field: string;
              ca_chain_field?: string | undefined;
            }
          | {
              as: 'oauth-client-credentials';
              token_url: string;
              client_id_field: string;
              client_secret_field: string;
              scope?: string | undefined;
              audience?: string | undefined;
            };
      }
    | undefined;
  limits: {
    /** exact sliding windows */
    calls: { per: 'run' | 'grant' | 'workload' | 'tool'; max: number; window_seconds: number }[];
    concurrent: { per: 'run' | 'grant' | 'workload' | 'tool'; max: number }[];
    /** request and response together */
    bytes: { per: 'run' | 'grant' | 'workload' | 'tool'; max: number; window_seconds: number }[];
    /** money; `day` is a day of UTC */
    budgets: { per: 'run' | 'grant' | 'tool'; max_micros: number; window: 'day' | 'run' | 'total' }[];
  };
  scrub: {
    response: 'redact' | 'block' | 'report';
    request: 'redact' | 'block' | 'report';
    detectors: ('email' | 'card' | 'iban' | 'key')[];
    patterns: {
      name: string;
      /** RE2 syntax */
      pattern: string;
    }[];
    /** answers that cannot be looked into: binary, unknown encodings */
    unreadable: 'refuse' | 'allow';
  };
  cost?:
    | (
        | { by: 'call'; micros: number }
        | { by: 'byte'; micros_per_mebibyte: number }
        | {
            by: 'response';
            /** set aside before the call, settled after it */
            reserve_micros: number;
            /** JSON pointer to what chooses the price, such as the model */
            of?: string | undefined;
            /** where that is in the events of a stream, if elsewhere */
            stream_of?: string | undefined;
            units: {
              name: string;
              /** JSON pointer to a number in the answer, or in any event of a stream */
              pointer: string;
              /** where the number is in the events of a stream, if elsewhere */
              stream_pointer?: string | undefined;
              /** which number of a stream counts: the last (running totals) or all together */
              in_stream: 'last' | 'sum';
              /** JSON pointer to a number that is part of it and priced as another unit */
              less?: string | undefined;
              prices: { from: string; micros_per_unit: number; of?: string | undefined }[];
            }[];
          }
      )
    | undefined;
  timeout_ms: number;
  /** only for GET, HEAD, PUT and DELETE, and only before an answer began */
  retries: number;
}

export interface ToolTestView {
  tool: string;
  version: number;
  enabled: boolean;
  request: {
    method: string;
    url: string;
    /** what the credential adds is masked */
    headers: Record<string, string>;
    /** text of the body; null where there is none */
    body: string | null;
    /** whether the connection would carry one */
    client_certificate: boolean;
  };
  destination: {
    allowed: boolean;
    /** what the host resolves to */
    addresses: string[];
    /** why it is refused */
    code: string | null;
    detail: string | null;
  };
}

export interface ToolVersionView {
  tool: string;
  version: number;
  spec: ToolSpecView;
  created_at: string;
  created_by: string;
}

export interface ToolView {
  name: string;
  /** counts every change of the spec; what If-Match compares */
  version: number;
  enabled: boolean;
  spec: ToolSpecView;
  created_at: string;
  created_by: string;
  updated_at: string;
}

export interface UsageImportView {
  rows: number;
  /** rows that are new or were corrected */
  changed: number;
  /** of these, days and keys that are further from our sums than the tolerance */
  differences: number;
}

export interface WhoamiView {
  /** name of the issuer */
  issuer: string;
  subject: string;
  roles: ('admin' | 'approver' | 'auditor' | 'operator')[];
  /** when the token expires */
  expires_at: string;
}

export interface WorkloadSelector {
  /** name of the issuer in the settings, or the exact `iss` of its tokens */
  issuer: string;
  subject: string;
}
