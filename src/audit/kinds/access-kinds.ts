import { maybe, open, type Fields, type JsonValue } from '../field-class.js';

/** Kinds about who may do what: identity, grants, credentials, tools, runs. */
export const ACCESS_KINDS = {
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
} as const satisfies Record<string, Fields>;
