import { z } from 'zod';

/** An instant in an answer: RFC 3339, UTC. */
export const instant = z.iso.datetime().meta({ examples: ['2026-11-21T09:30:00.000Z'] });

/** Our own ids in answers. */
export const uuid = z.uuid();

/** The platform's name for a run or a step. */
export const platformId = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[^\p{Cc}]+$/u, 'has control characters');

/** Why somebody does something; kept in its event. */
export const reasonBody = z
  .strictObject({ reason: z.string().min(1).max(500).optional().describe('why; kept in the event') })
  .nullish()
  .transform((body) => body ?? {});
export type ReasonBody = z.output<typeof reasonBody>;

/** A query parameter that is a flag. */
export const flag = z.enum(['true', 'false']).transform((text) => text === 'true');

/** What every list takes: how many, and where the page before ended. */
export const pageQuery = {
  limit: z
    .string()
    .regex(/^[1-9]\d{0,2}$/, 'is not a number from 1 to 200')
    .transform(Number)
    .refine((limit) => limit <= 200, 'is not a number from 1 to 200')
    .default(50)
    .describe('how many at most, 1 to 200'),
  cursor: z.string().min(1).max(512).optional().describe('`next_cursor` of the page before'),
};

/** Text to filter by. */
export const filterText = z.string().min(1).max(512);

/** A page of a list in an answer. */
export function pageOfViews<T extends z.ZodType>(
  item: T,
): z.ZodObject<{ items: z.ZodArray<T>; next_cursor: z.ZodNullable<z.ZodString> }> {
  return z.object({
    items: z.array(item),
    next_cursor: z.string().nullable().describe('ask for the next page with it; null on the last one'),
  });
}
