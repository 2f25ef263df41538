import { z } from 'zod';
import { DELIVERIES, LONGEST_TTL_SECONDS } from '../../credential/credential.js';
import { labelsSchema, nameSchema } from '../../credential/spec.js';
import type { GrantSpec, GrantSpecInput } from '../../grant/grant-spec.js';
import { grantedToolSchema } from '../../grant/granted-tool.js';
import { defined } from './defined.js';

const wanted = z.union([z.string(), z.number(), z.boolean()]);
const claim = z.string().min(1).max(256);
const limit = z.int().min(1).max(1_000_000);

/** A grant as an admin writes it and as its versions answer it. */
export const grantSpecBody = z
  .strictObject({
    name: nameSchema,
    description: z.string().max(1_000).optional(),
    labels: labelsSchema.optional(),
    issuer: nameSchema.describe('name of the issuer, as in the settings'),
    workload: z.strictObject({
      claims: z
        .record(claim, z.union([wanted, z.array(wanted).min(1).max(256)]))
        .describe(
          'claims that must all match; a list means any of its values; `*` matches within one segment',
        ),
      cel: z.string().max(4_096).optional().describe('CEL over `claims` that must also be true'),
    }),
    run: z.strictObject({
      from: z.enum(['claim', 'asserted']).describe('where the run id comes from'),
      run_id_claim: claim.optional().describe("the issuer's preset says, if this does not"),
      step_from: z.enum(['claim', 'asserted']).describe('where the step id comes from'),
      step_id_claim: claim.optional().describe("the issuer's preset says, if this does not"),
      max_duration_seconds: z.int().min(60).max(2_592_000).optional().describe('longest life of a run'),
    }),
    credentials: z
      .array(
        z.strictObject({
          name: nameSchema,
          max_ttl_seconds: z.int().min(1).max(LONGEST_TTL_SECONDS).optional(),
          deliveries: z.array(z.enum(DELIVERIES)).min(1).optional(),
        }),
      )
      .max(256)
      .optional()
      .describe('what may be leased; at least one of these or of the tools'),
    tools: z.array(grantedToolSchema).max(256).optional().describe('tools of the gateway that may be called'),
    limits: z
      .strictObject({
        open_runs: limit.optional(),
        live_leases: limit.optional(),
        live_leases_per_run: limit.optional(),
      })
      .optional(),
    expires_at: z.iso.datetime({ offset: true }).optional(),
  })
  .meta({ id: 'GrantSpec' });
export type GrantSpecBody = z.output<typeof grantSpecBody>;

/** The domain's own form of what an admin wrote. */
export function grantSpecOf(body: GrantSpecBody): GrantSpecInput {
  const { run, credentials = [], tools = [], limits, expires_at: expiresAt, ...same } = body;
  return defined({
    ...same,
    run: defined({
      from: run.from,
      runIdClaim: run.run_id_claim,
      stepFrom: run.step_from,
      stepIdClaim: run.step_id_claim,
      maxDurationSeconds: run.max_duration_seconds,
    }),
    credentials: credentials.map(({ name, max_ttl_seconds: maxTtlSeconds, deliveries }) =>
      defined({ name, maxTtlSeconds, deliveries }),
    ),
    tools: tools.map((tool) => defined(tool)),
    limits:
      limits &&
      defined({
        openRuns: limits.open_runs,
        liveLeases: limits.live_leases,
        liveLeasesPerRun: limits.live_leases_per_run,
      }),
    expiresAt,
  });
}

/** A grant's spec as it is answered. */
export function grantSpecBodyOf(spec: GrantSpec): GrantSpecBody {
  const { run, credentials, tools, limits, expiresAt, ...same } = spec;
  return defined({
    ...same,
    run: defined({
      from: run.from,
      run_id_claim: run.runIdClaim,
      step_from: run.stepFrom,
      step_id_claim: run.stepIdClaim,
      max_duration_seconds: run.maxDurationSeconds,
    }),
    credentials: credentials.map(({ name, maxTtlSeconds, deliveries }) =>
      defined({ name, max_ttl_seconds: maxTtlSeconds, deliveries }),
    ),
    ...(tools.length > 0 && { tools }),
    limits:
      limits &&
      defined({
        open_runs: limits.openRuns,
        live_leases: limits.liveLeases,
        live_leases_per_run: limits.liveLeasesPerRun,
      }),
    expires_at: expiresAt,
  });
}
