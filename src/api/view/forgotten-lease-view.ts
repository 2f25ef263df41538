import { z } from 'zod';
import type { MaybeAlive } from '../../lease/forget.js';
import type { Lease } from '../../lease/lease.js';
import { instant } from '../schema/fields.js';
import { leaseView, leaseViewOf } from './lease-view.js';
import { instantOf } from './page-view.js';

/** A lease that somebody gave up on, in an answer. */
export const forgottenLeaseView = z
  .object({
    lease: leaseView,
    may_be_alive: z
      .object({
        mount: z.string().describe("the secrets engine's mount in Vault"),
        account: z
          .string()
          .nullable()
          .describe('the user at the target, or the serial; null where none is known'),
        vault_ends_it_at: instant.describe('when Vault ends it by itself at the latest, if it can'),
      })
      .describe('what nothing proves to be dead'),
  })
  .meta({ id: 'ForgottenLeaseView' });
export type ForgottenLeaseView = z.output<typeof forgottenLeaseView>;

/** What an admin has to look after by hand from now on. */
export function forgottenLeaseViewOf(forgotten: {
  readonly lease: Lease;
  readonly maybeAlive: MaybeAlive;
}): ForgottenLeaseView {
  const { mount, account, vaultEndsItAt } = forgotten.maybeAlive;
  return {
    lease: leaseViewOf(forgotten.lease),
    may_be_alive: { mount, account, vault_ends_it_at: instantOf(vaultEndsItAt) },
  };
}
