import type { LeaseToken } from '../lease/credential-source.js';
import { addSeconds } from '../kernel/clock.js';
import { Secret } from '../kernel/secret.js';
import type { VaultAuth } from './answers.js';
import { VaultError } from './vault-error.js';

/** Why the token that Vault made must not carry a lease, or undefined when it may. */
export function faultOfLeaseToken(auth: VaultAuth, policy: string): string | undefined {
  // A child of our own token would die with it, and take credentials of running work along.
  if (auth.orphan !== true) return 'the token role makes tokens that are not orphans';
  const policies = auth.token_policies ?? [];
  if (policies.length !== 1 || policies[0] !== policy)
    return 'the token role adds policies to those asked for';
  if (auth.lease_duration === 0) return 'the token role makes tokens without an end';
  return undefined;
}

/** The token as the port gives it out. */
export function leaseTokenFrom(auth: VaultAuth, askedAt: Date): LeaseToken {
  return {
    token: Secret.of(auth.client_token),
    accessor: auth.accessor,
    expiresAt: addSeconds(askedAt, auth.lease_duration),
  };
}

/** The failure for a token that was made and must not be used. */
export function unfitToken(fault: string): VaultError {
  return new VaultError('vault_refused', {
    operation: 'create_token',
    reason: `${fault}; run \`leasegate vault plan\``,
  });
}
