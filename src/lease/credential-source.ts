import type { Secret } from '../kernel/secret.js';

/** What Vault is asked to make, from the catalogue. */
export interface CredentialRequest {
  readonly name: string;
  readonly kind: 'database' | 'kv' | 'pki';
  /** Mount of the secrets engine, without slashes at its ends. */
  readonly mount: string;
  /** Database role, KV path or PKI role, relative to the mount. */
  readonly path: string;
  /** Per kind: KV `{ version? }`, PKI `{ common_name, alt_names?, ip_sans? }`, database none. */
  readonly parameters: Readonly<Record<string, string | number | boolean>>;
  /** Seconds; a source may give less, never more. */
  readonly ttlSeconds: number;
}

/** The token that a lease hangs from: an orphan that reads one credential and nothing else. */
export interface LeaseToken {
  readonly token: Secret;
  readonly accessor: string;
  readonly expiresAt: Date;
}

/** A credential as it came from Vault, for delivery `inline` or `gateway`. */
export interface InlineCredential {
  /** Vault's own lease; absent where the engine has none (KV, or PKI without `generate_lease`). */
  readonly vaultLeaseId: string | undefined;
  /** The longest that it may be used, as Vault answered; absent where it does not end by itself. */
  readonly expiresAt: Date | undefined;
  /** Whether Vault will renew it. */
  readonly renewable: boolean;
  /** The database user or certificate serial; absent where there is none. */
  readonly account: string | undefined;
  readonly data: Secret<Readonly<Record<string, unknown>>>;
}

/** A credential that the broker never sees: the worker unwraps it at Vault. */
export interface WrappedCredential {
  readonly wrappingToken: Secret;
  readonly wrappingAccessor: string;
  readonly wrapExpiresAt: Date;
}

/** What is known of something in Vault after a look-up. */
export type Presence = 'present' | 'gone';

/**
 * Where credentials come from: the port that `vault/` implements. Every operation fails with a `BrokerError` of
 * `vault_unavailable` (not reached, or no answer: the effect may have happened), `vault_sealed`, `vault_denied`
 * `vault_mount_missing`, `vault_role_missing` or `vault_refused`; nothing that it throws carries a token, a secret or Vault's own request text.
 */
export abstract class CredentialSource {
  /**
   * Makes the token of a lease: orphan, policy of this credential only, at most `ttlSeconds`, with metadata.
   * Vault API: `POST auth/token/create/:role`.
   */
  abstract createLeaseToken(options: {
    readonly credential: string;
    readonly ttlSeconds: number;
    readonly metadata: Readonly<Record<'run_id' | 'step_id' | 'lease_id' | 'grant', string>>;
  }): Promise<LeaseToken>;

  /** Reads the credential with the lease's own token. */
  abstract read(token: Secret, request: CredentialRequest): Promise<InlineCredential>;

  /** Has the credential made and wrapped (`X-Vault-Wrap-TTL`); its lease is known by the accessor alone. */
  abstract readWrapped(
    token: Secret,
    request: CredentialRequest,
    wrapSeconds: number,
  ): Promise<WrappedCredential>;

  /** Extends Vault's lease; answers the expiry that Vault gave, which may be earlier than asked. `sys/leases/renew`. */
  abstract renew(vaultLeaseId: string, incrementSeconds: number): Promise<Date>;

  /** Revokes Vault's lease and waits until the target confirmed (`sys/leases/revoke`, sync). One that is gone is fine. */
  abstract revokeLease(vaultLeaseId: string): Promise<void>;

  /** Revokes the lease's token and what hangs from it (`auth/token/revoke-accessor`). One that is gone is fine. */
  abstract revokeAccessor(accessor: string): Promise<void>;

  /**
   * Whether Vault still knows the lease (`sys/leases/lookup`, or a listing for many). With `withinMs` the look may begin
   * so much later, so that more are looked for at once.
   */
  abstract lookUpLease(vaultLeaseId: string, withinMs?: number): Promise<Presence>;

  /** Whether Vault still knows the token (`auth/token/lookup-accessor`). */
  abstract lookUpAccessor(accessor: string): Promise<Presence>;

  /** Ids of the live Vault leases below a credential's path (`LIST sys/leases/lookup/:prefix`), for reconciliation. */
  abstract listLeases(
    mount: string,
    kind: CredentialRequest['kind'],
    path: string,
  ): Promise<readonly string[]>;
}
