import { z } from 'zod';

/** Settings of a bounded queue before something that takes only so much at once. */
export function queueSchema(
  what: string,
  defaults: { readonly concurrency: number; readonly queue: number },
): z.ZodPrefault<
  z.ZodObject<{
    concurrency: z.ZodDefault<z.ZodNumber>;
    queue: z.ZodDefault<z.ZodNumber>;
    waitMs: z.ZodDefault<z.ZodNumber>;
  }>
> {
  const count = z.number().int().min(1);
  return z
    .strictObject({
      concurrency: count
        .max(512)
        .default(defaults.concurrency)
        .describe(`${what} at the same time per replica`),
      queue: count
        .max(100_000)
        .default(defaults.queue)
        .describe(`${what} that may wait for their turn per replica; more are refused with \`Retry-After\``),
      waitMs: z
        .number()
        .int()
        .min(10)
        .max(120_000)
        .default(10_000)
        .describe(`longest wait for a turn; then it is refused with \`Retry-After\``),
    })
    .prefault({});
}
