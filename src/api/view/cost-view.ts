import { z } from 'zod';
import type { CostSum } from '../../gateway/cost/cost-sum.js';
import { RECONCILIATION_STATES, type Reconciled } from '../../gateway/cost/reconciliation.js';

const micros = z.int().describe('millionths of the currency in which tools have their prices');

/** Costs of one group in an answer. */
export const costView = z
  .object({
    day: z.iso.date().optional().describe('of UTC'),
    run: z.object({ ref: z.uuid(), run_id: z.string() }).optional(),
    step_id: z.string().optional(),
    grant: z.object({ id: z.uuid(), name: z.string().nullable() }).optional(),
    tool: z.string().optional(),
    workload: z.object({ issuer: z.string(), subject: z.string() }).optional(),
    calls: z.int(),
    unknown_calls: z
      .int()
      .describe('of which nobody knows what became of them; they count with what was set aside'),
    cost_micros: micros,
    request_bytes: z.int(),
    response_bytes: z.int(),
    units: z.record(z.string(), z.number()).describe('as providers reported them'),
  })
  .meta({ id: 'CostView' });
export type CostView = z.output<typeof costView>;

/** Our sum and a provider's in an answer. */
export const reconciledView = z
  .object({
    day: z.iso.date(),
    key: z.string().describe('label provider-key of a credential, or its name'),
    source: z.string().nullable(),
    state: z.enum(RECONCILIATION_STATES),
    calls: z.int(),
    ours_micros: micros,
    theirs_micros: micros.nullable(),
    difference_micros: micros.nullable().describe('theirs without ours'),
  })
  .meta({ id: 'ReconciledView' });
export type ReconciledView = z.output<typeof reconciledView>;

/** What became of an import in an answer. */
export const usageImportView = z
  .object({
    rows: z.int(),
    changed: z.int().describe('rows that are new or were corrected'),
    differences: z
      .int()
      .describe('of these, days and keys that are further from our sums than the tolerance'),
  })
  .meta({ id: 'UsageImportView' });
export type UsageImportView = z.output<typeof usageImportView>;

/** A sum as it is answered. */
export function costViewOf(sum: CostSum): CostView {
  return {
    ...(sum.day !== undefined && { day: sum.day }),
    ...(sum.run !== undefined && { run: { ref: sum.run.ref, run_id: sum.run.runId } }),
    ...(sum.stepId !== undefined && { step_id: sum.stepId }),
    ...(sum.grant !== undefined && { grant: { ...sum.grant } }),
    ...(sum.tool !== undefined && { tool: sum.tool }),
    ...(sum.workload !== undefined && { workload: { ...sum.workload } }),
    calls: sum.calls,
    unknown_calls: sum.unknownCalls,
    cost_micros: sum.costMicros,
    request_bytes: sum.requestBytes,
    response_bytes: sum.responseBytes,
    units: { ...sum.units },
  };
}

/** A comparison as it is answered. */
export function reconciledViewOf(reconciled: Reconciled): ReconciledView {
  const { day, key, source, state, calls } = reconciled;
  return {
    day,
    key,
    source,
    state,
    calls,
    ours_micros: reconciled.oursMicros,
    theirs_micros: reconciled.theirsMicros,
    difference_micros: reconciled.differenceMicros,
  };
}
