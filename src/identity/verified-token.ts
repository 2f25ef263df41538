/** What a platform's token says about the execution that it belongs to, where the issuer's preset finds it. */
export interface PlatformIdentity {
  readonly runId?: string;
  /** Which try of the run it is. */
  readonly attempt?: string;
  readonly job?: string;
  /** The smallest unit of work that the token proves. */
  readonly stepId?: string;
}

/** An OIDC token of which every check has passed. Only {@link TokenVerifier} makes one. */
export interface VerifiedToken {
  /** How settings and grants call the issuer. */
  readonly issuerName: string;
  /** The exact `iss`. */
  readonly issuer: string;
  readonly subject: string;
  readonly audience: string[];
  /** All claims; an object without a prototype, so that `claims['constructor']` is not there by accident. */
  readonly claims: Readonly<Record<string, unknown>>;
  /**
   * SHA-256 of the signed part (header and payload). Not of the whole token: an ECDSA signature has a second
   * valid form, under which the same token would count as another one.
   */
  readonly tokenHash: Buffer;
  readonly issuedAt: Date;
  readonly expiresAt: Date;
  readonly platform: PlatformIdentity;
}

/** What a token is used for; each issuer is configured for one or both. */
export type TokenUse = 'workload' | 'admin';
