import { z } from 'zod';
import { seconds, secret } from './field.js';

/** What compares the database with Vault and with the targets. */
export const reconciliationSchema = z
  .strictObject({
    everySeconds: seconds(10, 86_400)
      .default(60)
      .describe('how often the books are compared by themselves; also when a replica has started'),
    vaultPerSecond: z
      .number()
      .int()
      .min(1)
      .max(10_000)
      .default(50)
      .describe('most calls to Vault a second that one comparison makes'),
    holdAbove: z
      .number()
      .int()
      .min(1)
      .max(1_000_000)
      .default(50)
      .describe(
        'more differences than this at once and nothing is done by itself: revocation is held, as after a restore',
      ),
    listTokens: z
      .boolean()
      .default(false)
      .describe(
        'look for forgotten tokens too; `leasegate vault apply` then grants the right to list accessors, which Vault gives for all tokens or none',
      ),
    maxSkewMs: z
      .number()
      .int()
      .min(100)
      .max(600_000)
      .default(5_000)
      .describe('clocks may differ by so much before it is told'),
    targets: z
      .array(
        z.strictObject({
          mount: z.string().min(1).describe('the database engine whose users these are'),
          url: secret.describe(
            'PostgreSQL connection URL of a user who may see the names of users, and need do no more',
          ),
          query: z
            .string()
            .min(1)
            .optional()
            .describe('answers names of users in its first column; every user of the server unless given'),
          userPattern: z
            .string()
            .min(1)
            .optional()
            .describe(
              'regular expression of names that Vault makes, where the role has a username_template of its own',
            ),
        }),
      )
      .default([])
      .describe('databases whose users are compared with the leases; nothing is ever changed there'),
  })
  .prefault({});

export type ReconciliationTarget = z.output<typeof reconciliationSchema>['targets'][number];
