import { z } from 'zod';

/** By what the gateway itself is known in logs of what leaves the network. */
export const egressIdentitiesSchema = z
  .strictObject({
    addresses: z
      .array(z.union([z.cidrv4(), z.cidrv6(), z.ipv4(), z.ipv6()]))
      .max(256)
      .default([])
      .describe('addresses and networks that brokers call from'),
    serviceAccounts: z
      .array(z.string().regex(/^[a-z0-9.-]{1,253}\/[a-z0-9.-]{1,253}$/, 'is not NAMESPACE/NAME'))
      .max(64)
      .default([])
      .describe('service accounts of brokers, as NAMESPACE/NAME; decide alone where a log names one'),
    users: z.array(z.string().min(1)).max(64).default([]).describe('names of brokers at a proxy'),
  })
  .prefault({});
