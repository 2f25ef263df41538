import { z } from 'zod';
import type { EgressFinding } from '../../gateway/shadow/egress-findings.js';
import { EVIDENCE } from '../../gateway/shadow/egress-record.js';
import type { BatchSummary } from '../../gateway/shadow/shadow-batches.js';
import { instant, uuid } from '../schema/fields.js';
import { instantOf } from '../view/page-view.js';

/** What came of a batch, in an answer. */
export const importView = z
  .object({
    batch: z.string().describe('SHA-256 of what was sent, in hex'),
    repeated: z.boolean().describe('the same batch was taken before; nothing was counted again'),
    lines: z.int(),
    unreadable: z.int().describe('lines that are not of the format'),
    managed: z.int().describe('records of managed hosts or credentials'),
    ours: z.int().describe('records of our own among them'),
    undecided: z.int().describe('records of which nobody can tell whose they are'),
    shadow: z.int().describe('records of what went around'),
    events: z.int().describe('events that were recorded: one for each group of them'),
  })
  .meta({ id: 'ShadowImportView' });
export type ShadowImportView = z.output<typeof importView>;

/** What was found in egress logs, in an answer. */
export const egressFindingView = z
  .object({
    id: uuid,
    host: z.string(),
    tools: z.array(z.string()),
    evidence: z.enum(EVIDENCE),
    allowed: z.boolean(),
    source: z.string().nullable(),
    workload: z.string().nullable(),
    pod: z.string().nullable(),
    day: z.string(),
    count: z.int(),
    first_at: instant,
    last_at: instant,
  })
  .meta({ id: 'ShadowEgressView' });
export type ShadowEgressView = z.output<typeof egressFindingView>;

/** What came of a batch, as it is answered. */
export function importViewOf(summary: BatchSummary): ShadowImportView {
  return { ...summary };
}

/** A finding as it is answered. */
export function egressFindingViewOf(finding: EgressFinding): ShadowEgressView {
  return {
    id: finding.id,
    host: finding.host,
    tools: [...finding.tools],
    evidence: finding.evidence,
    allowed: finding.allowed,
    source: finding.source,
    workload: finding.workload,
    pod: finding.pod,
    day: finding.day,
    count: finding.count,
    first_at: instantOf(finding.firstAt),
    last_at: instantOf(finding.lastAt),
  };
}
