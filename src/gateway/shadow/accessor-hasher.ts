/**
 * How Vault writes a token's accessor into its audit log: an HMAC under a salt that only that audit device has. Whoever
 * binds this asks `sys/audit-hash`.
 */
export abstract class AccessorHasher {
  /** As it stands in the log (`hmac-sha256:…`), or undefined where nobody can tell. Throws when Vault does not answer. */
  abstract hash(accessor: string): Promise<string | undefined>;
}

/** Where no audit device is known: reads under hashed accessors stay undecided. */
export class NoAccessorHasher extends AccessorHasher {
  hash(): Promise<undefined> {
    return Promise.resolve(undefined);
  }
}
