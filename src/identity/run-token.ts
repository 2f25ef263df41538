/** What a verified run token says: which run and step its holder works for, and under which grant. */
export interface RunIdentity {
  /** `jti`. */
  readonly tokenId: string;
  /** Our id of the run. */
  readonly runRef: string;
  /** The platform's name of the run. */
  readonly runId: string;
  readonly stepId: string;
  readonly grantId: string;
  readonly grantName: string;
  readonly grantVersion: number;
  /** The exact `iss` of the workload's own token. */
  readonly issuer: string;
  /** The subject of the workload's own token. */
  readonly subject: string;
  /** What the exchange narrowed the token to; empty means all that the grant allows. */
  readonly scope: readonly string[];
  readonly expiresAt: Date;
  /** RFC 7638 thumbprint of the key that the holder must prove to have (RFC 9449); absent when it is not bound. */
  readonly keyThumbprint?: string;
}
