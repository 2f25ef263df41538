/** A token in Vault, as far as reconciliation needs it. */
export interface FoundToken {
  /** Whether it was made by the token role of leases. */
  readonly ofLease: boolean;
  /** The lease that it was made for, from its metadata. */
  readonly leaseId: string | undefined;
  readonly createdAt: Date;
}

/**
 * What Vault has, seen from Vault: the port that `vault/` implements for reconciliation. Every operation fails with a
 * `BrokerError` of `vault_unavailable`, `vault_sealed`, `vault_denied` or `vault_refused`.
 */
export abstract class VaultInventory {
  /** Vault's clock, to about half a second (`GET sys/health`). */
  abstract serverTime(): Promise<Date>;

  /** When Vault issued a lease, by Vault's clock (`sys/leases/lookup`); undefined where Vault does not know it. */
  abstract leaseIssuedAt(vaultLeaseId: string): Promise<Date | undefined>;

  /** Accessors of every token of the namespace (`LIST auth/token/accessors`): a right that the broker need not have. */
  abstract listAccessors(): Promise<readonly string[]>;

  /** What a token is (`auth/token/lookup-accessor`); undefined where Vault does not know it. */
  abstract describeToken(accessor: string): Promise<FoundToken | undefined>;
}
