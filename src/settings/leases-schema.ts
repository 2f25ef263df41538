import { z } from 'zod';
import { seconds } from './field.js';
import { queueSchema } from './queue-schema.js';

const atOnce = z.number().int().min(1).max(256);
const perSecond = z.number().min(0.1).max(10_000);

/** Settings of leases: how they are issued, revoked and reconciled. */
export const leasesSchema = z
  .strictObject({
    issue: queueSchema('leases that are issued', { concurrency: 32, queue: 512 }),
    issuingBoundSeconds: seconds(2, 3_600)
      .default(60)
      .describe('a lease that is `issuing` for longer is reconciled'),
    revokeConcurrencyPerMount: atOnce
      .default(8)
      .describe('revocations at once per Vault mount, in each replica'),
    revokePerSecondPerMount: perSecond
      .optional()
      .describe('revocations begun a second per Vault mount, in each replica; no limit unless set'),
    targets: z
      .record(
        z.string().min(1),
        z.strictObject({
          concurrency: atOnce.optional().describe('instead of `revokeConcurrencyPerMount`'),
          perSecond: perSecond.optional().describe('instead of `revokePerSecondPerMount`'),
        }),
      )
      .default({})
      .describe(
        'limits of single Vault mounts, `{ MOUNT: { concurrency, perSecond } }`, for targets that bear less or more',
      ),
    revokeWaitMs: z
      .number()
      .int()
      .min(0)
      .max(60_000)
      .default(5_000)
      .describe('how long a request waits for its revocations to be proved'),
    claimSeconds: seconds(2, 600).default(30).describe('how long a replica may work on a claimed revocation'),
    backoffBaseMs: z
      .number()
      .int()
      .min(100)
      .max(60_000)
      .default(1_000)
      .describe('wait after the first failed revocation'),
    backoffMaxMs: z
      .number()
      .int()
      .min(1_000)
      .max(3_600_000)
      .default(300_000)
      .describe('longest wait between attempts'),
    alertAfterAttempts: z
      .number()
      .int()
      .min(1)
      .max(1_000)
      .default(5)
      .describe('failures after which `lease.revocation_failed` is recorded'),
    stuckAfterAttempts: z
      .number()
      .int()
      .min(1)
      .max(1_000)
      .default(10)
      .describe('failures after which a lease counts as stuck; it is tried all the same'),
    lagAlertSeconds: seconds(1, 86_400)
      .default(60)
      .describe('age of the oldest revocation of a mount at which `revocation.lagging` is recorded'),
    revocation: z
      .enum(['on', 'hold'])
      .default('on')
      .describe('`hold` starts without revoking, for a restored database'),
  })
  .prefault({});
