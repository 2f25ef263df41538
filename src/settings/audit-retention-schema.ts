import { z } from 'zod';

/** A month: a part of the log spans about one, and its entries are not of one age. */
const PART_DAYS = 31;

const retentionClass = z
  .strictObject({
    kinds: z
      .array(z.string().regex(/^[a-z_]+\.([a-z_]+|\*)$/, 'is a kind such as call.ended, or call.*'))
      .default([])
      .describe('kinds of event, such as `call.ended` or `call.*`; of `default`, leave it out'),
    minDays: z.number().int().min(1).max(36_500).describe('so long they stay in the database at least'),
    maxDays: z
      .number()
      .int()
      .min(1)
      .max(36_500)
      .optional()
      .describe('after so long they are destroyed, in the archive too; kept for ever without it'),
  })
  .refine(({ minDays, maxDays }) => maxDays === undefined || maxDays >= minDays + PART_DAYS, {
    path: ['maxDays'],
    message: `is less than minDays and ${PART_DAYS}: a part of the log spans a month`,
  });

/** How long entries of the log stay, by classes of kinds. */
export const auditRetentionSchema = z
  .strictObject({
    directory: z
      .string()
      .optional()
      .describe('folder that entries are archived to; without it they stay in the database until `maxDays`'),
    restoredDays: z
      .number()
      .int()
      .min(1)
      .max(3_650)
      .default(30)
      .describe('how long a restored archive stays in the database'),
    waitForSinks: z
      .boolean()
      .default(true)
      .describe(
        'entries that a sink or a scheduled export of the settings has not read yet stay in the database',
      ),
    waitAtMostDays: z
      .number()
      .int()
      .min(1)
      .max(36_500)
      .optional()
      .describe('for so long at most; for ever without it'),
    classes: z
      .record(z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'is a name in lower case'), retentionClass)
      .default({})
      .describe(
        'classes of kinds; `default` has the kinds of no other. Kinds without a class stay in the database for ever',
      ),
  })
  .prefault({})
  .superRefine(({ classes }, context) => {
    const seen = new Map<string, string>();
    for (const [name, { kinds }] of Object.entries(classes)) {
      if ((name === 'default') !== (kinds.length === 0))
        context.addIssue({
          code: 'custom',
          path: ['classes', name, 'kinds'],
          message: name === 'default' ? 'is what no other class has' : 'is missing',
        });
      for (const kind of kinds) {
        const other = seen.get(kind);
        if (other !== undefined)
          context.addIssue({
            code: 'custom',
            path: ['classes', name, 'kinds'],
            message: `has ${kind}, which is of class ${other}`,
          });
        seen.set(kind, name);
      }
    }
  });
