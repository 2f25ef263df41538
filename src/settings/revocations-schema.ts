import { z } from 'zod';
import { seconds } from './field.js';

/** The kill switch. */
export const revocationsSchema = z
  .strictObject({
    confirmAbove: z
      .number()
      .int()
      .min(0)
      .max(1_000_000)
      .default(100)
      .describe('a revocation of more live leases than this needs a confirmation and a reason'),
    confirmationSeconds: seconds(30, 3_600).default(300).describe('how long a confirmation can be given'),
  })
  .prefault({});
