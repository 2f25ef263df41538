import { z } from 'zod';
import { DELIVERIES, LONGEST_TTL_SECONDS } from '../../credential/credential.js';
import { nameSchema } from '../../credential/spec.js';
import { instant, platformId } from '../schema/fields.js';
import { leaseView } from '../view/lease-view.js';
import { runView } from '../view/run-view.js';

const ttlSeconds = z
  .int()
  .min(1)
  .max(LONGEST_TTL_SECONDS)
  .optional()
  .describe("seconds; the catalogue's default unless told, and never more than grant and catalogue allow");

/** What a worker asks for. */
export const leaseBody = z
  .strictObject({
    credential: nameSchema.describe('name in the catalogue'),
    ttl_seconds: ttlSeconds,
    delivery: z
      .enum(DELIVERIES)
      .optional()
      .describe('`inline` unless told; `gateway` is refused, since only the gateway has those'),
    step_id: platformId.optional().describe("the step, where it is not the run token's"),
  })
  .meta({ id: 'LeaseBody' });
export type LeaseBody = z.output<typeof leaseBody>;

/** How long a renewed lease should live from now. */
export const renewBody = z
  .strictObject({ ttl_seconds: ttlSeconds })
  .nullish()
  .transform((body) => body ?? {});
export type RenewBody = z.output<typeof renewBody>;

/** A lease, with the credential itself or the token that unwraps it. */
export const issuedLeaseView = z
  .object({
    lease: leaseView,
    credential: z
      .record(z.string(), z.unknown())
      .optional()
      .describe(
        'inline delivery: what Vault made, such as `username` and `password`; answered once, never stored',
      ),
    wrapping: z
      .object({
        token: z.string().describe('unwraps the credential at Vault, once'),
        expires_at: instant,
        vault_address: z.string(),
      })
      .optional()
      .describe('wrapped delivery'),
  })
  .meta({ id: 'IssuedLease' });
export type IssuedLeaseView = z.output<typeof issuedLeaseView>;

/** One lease. */
export const oneLeaseView = z.object({ lease: leaseView });

/** The caller's run and its leases. */
export const ownRunView = z.object({ run: runView, leases: z.array(leaseView) });
