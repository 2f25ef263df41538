import { z } from 'zod';

/** How the log is signed and published. */
export const logSchema = z
  .strictObject({
    signing: z
      .strictObject({
        mount: z.string().default('transit').describe('mount of the transit engine'),
        key: z.string().default('leasegate-log').describe('name of its ed25519 key'),
        overlapHours: z
          .number()
          .min(0)
          .max(8_760)
          .default(168)
          .describe('for how long after a rotation the former key signs as well'),
        keyRefreshMs: z
          .number()
          .int()
          .min(100)
          .max(3_600_000)
          .default(60_000)
          .describe('how often is looked for a new version of the key'),
        highWater: z
          .strictObject({
            mount: z.string().default('leasegate').describe('mount of KV version 2'),
            path: z.string().default('log').describe('secret that says how far the log was signed'),
          })
          .prefault({}),
      })
      .optional()
      .describe('signs checkpoints by Vault; without it the log is not signed'),
    checkpointIntervalMs: z
      .number()
      .int()
      .min(50)
      .max(60_000)
      .default(750)
      .describe('how often the log is signed while it grows'),
    directory: z.string().optional().describe('folder that tiles and checkpoints are written to'),
  })
  .prefault({});
