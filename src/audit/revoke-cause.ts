/** Why a lease, or all of a run's or grant's leases, had to end. */
export const REVOKE_CAUSES = [
  'released',
  'run_closed',
  'run_revoked',
  'run_expired',
  'grant_suspended',
  'grant_revoked',
  'grant_expired',
  'admin',
  'expiry',
  'credential_disabled',
  'workload_blocked',
  'issuer_blocked',
  'target_blocked',
  'superseded',
  'failed',
  'crashed',
  'lost',
] as const;
export type RevokeCause = (typeof REVOKE_CAUSES)[number];
