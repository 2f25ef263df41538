import type { HeldCredential } from '../../sdk/held-credential.js';
import type { HeldLease } from '../../sdk/held-lease.js';
import type { LeasegateClient } from '../../sdk/leasegate-client.js';
import type { Output } from '../output.js';
import { announceRenewals, announceRotations } from './notices.js';

/** A credential of a command: of one lease, or replaced in time. */
export type Held = HeldLease | HeldCredential;

/** How it is leased. */
export interface HeldOptions {
  readonly ttlSeconds: number | undefined;
  readonly overlapSeconds: number;
  /** Whether the command can be given another one. */
  readonly rotates: boolean;
  readonly signal: AbortSignal;
}

/** Leases a credential, keeps it, and says on standard error what goes wrong with it. */
export async function leaseOne(
  client: LeasegateClient,
  name: string,
  output: Output,
  { ttlSeconds, overlapSeconds, rotates, signal }: HeldOptions,
): Promise<Held> {
  if (rotates) {
    const credential = await client.credential(name, { ttlSeconds, overlapSeconds, signal });
    announceRotations(credential, output);
    return credential;
  }
  const lease = await client.lease(name, { ttlSeconds, delivery: 'inline', signal });
  announceRenewals(lease, output);
  return lease;
}
