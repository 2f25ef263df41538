/** What ending a run, a grant or a credential set off: leases that have to die, and where it can be watched. */
export interface OpenedRevocation {
  /** Id of the revocation, for `GET /v1/revocations/{id}`. */
  readonly revocationId: string;
  /** Live leases that it found. */
  readonly leases: number;
  /** Mounts where its leases wait, when they are all marked and nothing else comes first; else it has to be looked for. */
  readonly mounts?: readonly string[] | undefined;
}
