import { z } from 'zod';
import { nameSchema } from '../../credential/spec.js';

/** Rows of one import; a month of a hundred keys. */
export const MOST_USAGE_ROWS = 5_000;

/** What a provider says one of its keys came to on one day of UTC. */
export const usageRowSchema = z.strictObject({
  source: nameSchema.describe('who says so, such as the name of the provider'),
  day: z.iso.date(),
  key: z
    .string()
    .min(1)
    .max(256)
    .regex(/^[!-~](?:[ -~]*[!-~])?$/, 'is not printable ASCII without spaces at its ends')
    .describe("the label provider-key of a credential, or else the credential's name"),
  units: z.record(nameSchema, z.number().min(0).max(1e15)).default({}),
  amount_micros: z.int().min(0).max(1e15),
});
export type UsageRow = z.output<typeof usageRowSchema>;
