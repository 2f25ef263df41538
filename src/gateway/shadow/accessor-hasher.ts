/**
 * How Vault writes a value into its audit log: an HMAC under a salt that only that audit device has. Whoever binds this
 * asks `sys/audit-hash/DEVICE`.
 */
export abstract class AccessorHasher {
  /**
   * As it stands in the log of that device (`hmac-sha256:…`), or undefined where no device is known. Throws when Vault
   * does not answer, knows no such device or refuses.
   */
  abstract hash(value: string, device: string | undefined): Promise<string | undefined>;
}
