import { z } from 'zod';
import type { KeptUse } from '../../gateway/shadow/uses/lease-uses.js';
import { USES } from '../../gateway/shadow/uses/lease-use.js';
import { instant } from '../schema/fields.js';
import { instantOf } from '../view/page-view.js';

/** Uses of a lease that are alike, in an answer. */
export const leaseUseView = z
  .object({
    use: z
      .enum(USES)
      .describe('`handed_out` is the read by which the broker got it; everything else was somebody else'),
    place: z.string().describe('path in Vault, or database that was logged in to'),
    operation: z.string().describe("Vault's operation; empty for logins"),
    source: z.string().nullable().describe('address that it came from, where the log says'),
    count: z.int(),
    first_at: instant,
    last_at: instant,
    via: z.string().describe('the log that says so'),
  })
  .meta({ id: 'LeaseUseView' });
export type LeaseUseView = z.output<typeof leaseUseView>;

/** Uses as they are answered. */
export function leaseUseViewOf(use: KeptUse): LeaseUseView {
  return {
    use: use.use,
    place: use.place,
    operation: use.operation,
    source: use.source,
    count: use.count,
    first_at: instantOf(use.firstAt),
    last_at: instantOf(use.lastAt),
    via: use.via,
  };
}
