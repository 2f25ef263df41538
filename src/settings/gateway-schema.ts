import { z } from 'zod';
import { egressIdentitiesSchema } from './egress-identities-schema.js';

/** Settings of the gateway. */
export const gatewaySchema = z
  .strictObject({
    egressIdentities: egressIdentitiesSchema.describe(
      'what calls of our own look like in logs of what leaves the network',
    ),
    toolsFolder: z
      .string()
      .min(1)
      .optional()
      .describe('folder of YAML files with tools, which are created and changed at start'),
    bodyLimitBytes: z
      .number()
      .int()
      .min(1_024)
      .max(104_857_600)
      .default(10_485_760)
      .describe('largest body of a call'),
    allowedPorts: z
      .array(z.number().int().min(1).max(65_535))
      .min(1)
      .default([443])
      .describe('ports that tools may call; an internal tool may call any that its URL names'),
    callRetentionDays: z
      .number()
      .int()
      .min(1)
      .max(3_650)
      .default(90)
      .describe('ended calls are dropped after this; events and sums of costs stay'),
    costTolerancePercent: z
      .number()
      .min(0)
      .max(100)
      .default(2)
      .describe("how far a provider's bill may be from our sum for a day and key"),
    connectionsPerHost: z
      .number()
      .int()
      .min(1)
      .max(16_384)
      .default(1_024)
      .describe('most connections to one address of a provider; streams hold one each'),
  })
  .prefault({});
