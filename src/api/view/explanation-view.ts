import { z } from 'zod';
import type { Explanation, GrantExplanation } from '../../grant/explain.js';
import { GRANT_STATES } from '../../grant/grant.js';
import { defined } from '../schema/defined.js';

const wanted = z.union([z.string(), z.number(), z.boolean()]);
const runAndStep = z.object({
  run_id: z.string(),
  step_id: z.string(),
  run_from: z.enum(['claim', 'asserted']),
});
const refusal = z.object({
  code: z.string(),
  field: z.string().optional(),
  detail: z.string().optional(),
});

const clause = z.object({
  clause: z.string().describe('JSON pointer to the clause in the spec'),
  matched: z.boolean(),
  wanted: z.array(wanted),
  found: z.string().optional().describe('what the token says there'),
  nearest: z.object({ wanted, differs: z.string() }).optional(),
  error: z.string().optional(),
});

/** What a token would be allowed, and how near every grant of its issuer is. */
export const explanationView = z
  .object({
    issuer: z.string(),
    subject: z.string(),
    decision: z.union([
      z.object({ accepted: z.literal(true), grant: z.string(), run: runAndStep }),
      z.object({ accepted: z.literal(false), code: z.string(), detail: z.string().optional() }),
    ]),
    grants: z
      .array(
        z.object({
          id: z.uuid(),
          name: z.string(),
          version: z.int(),
          state: z.enum(GRANT_STATES),
          matched: z.boolean(),
          clauses: z.array(clause),
          run: z.union([runAndStep, refusal]),
          error: z.string().optional(),
        }),
      )
      .describe('the nearest first'),
  })
  .meta({ id: 'ExplanationView' });
export type ExplanationView = z.output<typeof explanationView>;

/** What an operator sees of a decision; the token itself is not in it. */
export function explanationViewOf({ issuer, subject, decision, grants }: Explanation): ExplanationView {
  return {
    issuer,
    subject,
    decision: decision.accepted ? { ...decision, run: runOf(decision.run) } : { ...decision },
    grants: grants.map(grantOf),
  };
}

function grantOf(grant: GrantExplanation): ExplanationView['grants'][number] {
  return defined({
    id: grant.id,
    name: grant.name,
    version: grant.version,
    state: grant.state,
    matched: grant.matched,
    clauses: grant.clauses.map((one) => ({ ...one, wanted: [...one.wanted] })),
    run: 'code' in grant.run ? { ...grant.run } : runOf(grant.run),
    error: grant.error,
  });
}

function runOf(run: Exclude<GrantExplanation['run'], { code: unknown }>): z.output<typeof runAndStep> {
  return { run_id: run.runId, step_id: run.stepId, run_from: run.runFrom };
}
