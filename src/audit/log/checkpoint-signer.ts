/** A version of the key of the log. */
export interface SigningKey {
  /** From 1. */
  readonly version: number;
  /** The 32 bytes of an Ed25519 public key. */
  readonly publicKey: Buffer;
  readonly createdAt: Date;
}

/** Signs checkpoints with a key that nobody can take along. Fails with a `BrokerError` when it cannot be reached. */
export abstract class CheckpointSigner {
  /** The versions that can sign, newest first. */
  abstract keys(): Promise<readonly SigningKey[]>;

  /** An Ed25519 signature over the text (RFC 8032), 64 bytes. */
  abstract sign(text: string, version: number): Promise<Buffer>;
}
