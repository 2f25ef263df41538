import { z } from 'zod';
import { secret } from './field.js';

/** How the broker logs in to Vault. */
export const vaultLoginSchema = z.discriminatedUnion('method', [
  z.strictObject({
    method: z.literal('approle'),
    mount: z.string().default('approle'),
    roleId: z.string().min(1),
    secretId: secret.optional(),
    secretIdFile: z.string().min(1).optional().describe('read at every login, so that it can be rotated'),
  }),
  z.strictObject({
    method: z.literal('jwt'),
    mount: z.string().default('jwt'),
    role: z.string().min(1),
    tokenFile: z.string().min(1).describe('read at every login: the platform rotates it'),
  }),
]);
