import { z } from 'zod';

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const LONGEST_MS = 366 * 86_400_000;

/** A length of time such as `15m`, `6h` or `1d`, in milliseconds. */
const every = z
  .string()
  .regex(/^[1-9]\d{0,5}[smhd]$/, 'is not a length of time such as 15m, 6h or 1d')
  .transform((text) => Number(text.slice(0, -1)) * (UNIT_MS[text.slice(-1)] ?? 1))
  .refine((ms) => ms <= LONGEST_MS, 'is more than 366d');

const text = z.string().min(1).max(512).optional();

const scheduledExport = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,46}$/, 'is not a name: lower-case letters, digits and dashes')
    .describe('its cursor is kept under this name, and its folder is called so'),
  format: z.enum(['jsonl', 'csv', 'parquet', 'ocsf', 'cef']).default('jsonl'),
  compression: z.enum(['gzip', 'zstd']).optional(),
  every: every.describe(
    'length of time such as `15m`, `6h` or `1d`; due at its whole multiples in UTC, so `1d` at midnight',
  ),
  directory: z.string().min(1).describe('folder that it writes to; it has to be there'),
  filter: z
    .strictObject({
      kinds: z
        .array(
          z
            .string()
            .regex(/^[a-z_]+(\.[a-z_]+)*(\.\*)?$/, 'is not a kind of event, such as lease.issued or lease.*'),
        )
        .min(1)
        .max(200)
        .optional()
        .describe('kinds of events; `lease.*` are all that begin so'),
      outcome: z.enum(['success', 'refused', 'failure']).optional(),
      code: text,
      grant: text.describe('id or name'),
      credential: text,
      tool: text,
      workload: text.describe('subject of the workload'),
      actor: text.describe('subject of who did it'),
    })
    .optional()
    .describe('only these entries; everything unless told'),
});
export type ScheduledExportSettings = z.output<typeof scheduledExport>;

/** Exports that are written to a folder as time goes by. */
export const exportsSchema = z
  .array(scheduledExport)
  .max(16)
  .default([])
  .superRefine((exports, context) => {
    const names = new Set<string>();
    exports.forEach(({ name }, index) => {
      if (names.has(name))
        context.addIssue({ code: 'custom', path: [index, 'name'], message: 'is that of another export' });
      names.add(name);
    });
  });
