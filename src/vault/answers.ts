import { z } from 'zod';
import { VaultError } from './vault-error.js';

const auth = z.object({
  client_token: z.string().min(1),
  accessor: z.string().min(1),
  token_policies: z.array(z.string()).nullish(),
  lease_duration: z.number().int().min(0),
  renewable: z.boolean(),
  orphan: z.boolean().optional(),
});

/** Answer of a login, of `auth/token/create` and of `renew-self`. */
export const authAnswer = z.object({ auth });
export type VaultAuth = z.output<typeof auth>;

/** Answer that carries a lease of a secrets engine; `lease_id` is empty where the engine makes none. */
export const leaseAnswer = z.object({
  lease_id: z.string(),
  lease_duration: z.number().int(),
  renewable: z.boolean(),
  data: z.record(z.string(), z.unknown()).nullish(),
});
export type VaultLeaseAnswer = z.output<typeof leaseAnswer>;

/** Answer to a request that asked for wrapping. */
export const wrapAnswer = z.object({
  wrap_info: z.object({
    token: z.string().min(1),
    accessor: z.string().min(1),
    ttl: z.number().int().min(1),
  }),
});

/** Answer of a LIST. */
export const listAnswer = z.object({ data: z.object({ keys: z.array(z.string()) }) });

/** Any answer with data. */
export const dataAnswer = z.object({ data: z.record(z.string(), z.unknown()) });

/** Checks an answer's shape. What does not fit fails with `vault_refused`, naming fields and never values. */
export function readAnswer<S extends z.ZodType>(schema: S, answer: unknown, operation: string): z.output<S> {
  const read = schema.safeParse(answer);
  if (read.success) return read.data;
  const fields = read.error.issues.map((issue) => issue.path.join('.'));
  throw new VaultError('vault_refused', {
    operation,
    reason: `the answer is not as expected at ${fields.join(', ') || 'its root'}`,
  });
}
