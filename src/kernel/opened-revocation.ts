/** What ending a run, a grant or a credential set off: leases that have to die, and where it can be watched. */
export interface OpenedRevocation {
  /** Id of the revocation, for `GET /v1/revocations/{id}`. */
  readonly revocationId: string;
  /** Live leases that it found. */
  readonly leases: number;
  /** What its revoker begins with, and nobody else looks into; absent where that has to be looked for. */
  readonly firstWork?: object | undefined;
}
