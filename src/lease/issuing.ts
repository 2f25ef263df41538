import type { Secret } from '../kernel/secret.js';
import type { Lease } from './lease.js';
import type { LeaseDecision } from './lease-decision.js';
import type { InlineCredential, LeaseToken } from './credential-source.js';

/** A lease on its way: decided, with its token, not yet (or just) on disk. */
export interface Issuing {
  readonly leaseId: string;
  readonly decision: LeaseDecision;
  readonly token: LeaseToken;
  readonly requestedAt: Date;
  /** The last moment of its life: what was decided, or the token's own end when that comes first. */
  readonly maxExpiresAt: Date;
  readonly idempotencyKey: string | undefined;
}

/** A lease with what the worker came for: the credential, or the token that unwraps it at Vault. */
export interface IssuedLease {
  readonly lease: Lease;
  readonly credential: Secret<Readonly<Record<string, unknown>>> | undefined;
  readonly wrapping?: { readonly token: Secret; readonly expiresAt: Date };
}

/** What Vault made, as far as the row keeps it. */
export interface Made {
  readonly vaultLeaseId: string | undefined;
  readonly account: string | undefined;
  readonly revocable: boolean;
  readonly expiresAt: Date;
  /** Where Vault will not renew it, the same as `expiresAt`. */
  readonly maxExpiresAt: Date;
}

/** When the lease ends unless it is renewed, counted from a moment. */
export function expiryFrom(start: Date, { decision, maxExpiresAt }: Issuing): Date {
  return earliest(new Date(start.getTime() + decision.ttlSeconds * 1000), maxExpiresAt);
}

/**
 * What the row says after Vault answered: never later than Vault's own expiry, and no room for renewal where Vault
 * would not renew, or where nobody could ask it to (a wrapped credential's lease is not known here).
 */
export function madeOf(issuing: Issuing, answer: InlineCredential | undefined, now: Date): Made {
  const { credential } = issuing.decision;
  const latest = expiryFrom(now, issuing);
  const expiresAt = answer?.expiresAt === undefined ? latest : earliest(latest, answer.expiresAt);
  const endsByItself = answer === undefined ? credential.kind !== 'kv' : answer.expiresAt !== undefined;
  const renewable = !endsByItself || answer?.renewable === true;
  return {
    vaultLeaseId: answer?.vaultLeaseId,
    account: answer?.account,
    // Without a lease of Vault's there is nothing that a revocation could end (PKI without `generate_lease`).
    revocable: credential.revocable && (answer === undefined || answer.vaultLeaseId !== undefined),
    expiresAt,
    maxExpiresAt: renewable ? issuing.maxExpiresAt : expiresAt,
  };
}

/** The lease as its row describes it while it is being issued. */
export function issuingLease(issuing: Issuing): Lease {
  const { run, grant, credential, stepId, delivery } = issuing.decision;
  return {
    id: issuing.leaseId,
    runRef: run.id,
    runId: run.runId,
    stepId,
    grantId: grant.id,
    grantName: grant.name,
    grantVersion: grant.version,
    credential: credential.name,
    kind: credential.kind,
    mount: credential.mount,
    delivery,
    revocable: credential.revocable,
    state: 'issuing',
    requestedAt: issuing.requestedAt,
    issuedAt: null,
    expiresAt: expiryFrom(issuing.requestedAt, issuing),
    maxExpiresAt: issuing.maxExpiresAt,
    renewals: 0,
    revokeCause: null,
    revokeRequestedAt: null,
    endedAt: null,
    proof: null,
    attempts: 0,
    lastError: null,
    nextAttemptAt: null,
    stuckSince: null,
    issuer: run.issuer,
    subject: run.subject,
  };
}

/** The earlier of two moments. */
export function earliest(a: Date, b: Date): Date {
  return a <= b ? a : b;
}
