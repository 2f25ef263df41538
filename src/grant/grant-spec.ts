import { z } from 'zod';
import { DELIVERIES, LONGEST_TTL_SECONDS } from '../credential/credential.js';
import { labelsSchema, nameSchema } from '../credential/spec.js';
import { grantedToolSchema } from './granted-tool.js';

const wantedValue = z.union([z.string(), z.number(), z.boolean()]);
const claimName = z.string().min(1).max(256);
const limit = z.int().min(1).max(1_000_000);

const workload = z.strictObject({
  claims: z
    .record(claimName, z.union([wantedValue, z.array(wantedValue).min(1).max(256)]))
    .describe(
      'claims that must all match; a list means any of its values; `*` matches within one segment; a claim that is a list matches by any member',
    ),
  cel: z.string().optional().describe('CEL over `claims` that must also be true'),
});

const run = z.strictObject({
  from: z.enum(['claim', 'asserted']).describe('where the run id comes from'),
  runIdClaim: claimName
    .optional()
    .describe("the claim that is the run id; the issuer's preset says, if this does not"),
  stepFrom: z.enum(['claim', 'asserted']).describe('where the step id comes from'),
  stepIdClaim: claimName
    .optional()
    .describe("the claim that is the step id; the issuer's preset says, if this does not"),
  maxDurationSeconds: z.int().min(60).max(2_592_000).optional().describe('longest life of a run'),
});

const grantedCredential = z.strictObject({
  name: nameSchema,
  maxTtlSeconds: z
    .int()
    .min(1)
    .max(LONGEST_TTL_SECONDS)
    .optional()
    .describe('shorter than the catalogue allows'),
  deliveries: z.array(z.enum(DELIVERIES)).min(1).optional().describe('fewer than the catalogue allows'),
});

/** What an admin says about a grant. Every change of it is a new version that never changes. */
export const grantSpecSchema = z
  .strictObject({
    name: nameSchema,
    description: z.string().max(1_000).optional(),
    labels: labelsSchema,
    issuer: nameSchema.describe('name of the issuer, as in the settings'),
    workload,
    run,
    credentials: z.array(grantedCredential).max(256).default([]),
    tools: z.array(grantedToolSchema).max(256).default([]),
    limits: z
      .strictObject({
        openRuns: limit.optional(),
        liveLeases: limit.optional(),
        liveLeasesPerRun: limit.optional(),
      })
      .optional(),
    expiresAt: z.iso.datetime({ offset: true }).optional(),
  })
  .superRefine((spec, context) => {
    const refuse = (path: PropertyKey[], message: string): void =>
      context.addIssue({ code: 'custom', path, message });
    if (spec.credentials.length + spec.tools.length === 0)
      refuse(['credentials'], 'is empty, and no tool is granted either');
    for (const kind of ['credentials', 'tools'] as const) {
      const names = spec[kind].map(({ name }) => name);
      names.forEach((name, index) => {
        if (names.indexOf(name) !== index) refuse([kind, index, 'name'], 'is named twice');
      });
    }
    if (spec.run.from === 'asserted' && spec.run.runIdClaim !== undefined)
      refuse(['run', 'runIdClaim'], 'has no meaning where the run id is asserted');
    if (spec.run.stepFrom === 'asserted' && spec.run.stepIdClaim !== undefined)
      refuse(['run', 'stepIdClaim'], 'has no meaning where the step id is asserted');
  });

/** What a caller may send. */
export type GrantSpecInput = z.input<typeof grantSpecSchema>;
/** A spec that was checked, with every default filled in. */
export type GrantSpec = z.output<typeof grantSpecSchema>;
