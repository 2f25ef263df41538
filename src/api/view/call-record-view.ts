import { z } from 'zod';
import type { CallRecord } from '../../gateway/call/call-records.js';
import { instant, uuid } from '../schema/fields.js';
import { instantOf, instantOrNull } from './page-view.js';

const micros = z.int().describe('millionths of the currency');

/** A call as it is answered. */
export const callRecordView = z
  .object({
    id: uuid,
    run: z.object({ ref: uuid, run_id: z.string() }),
    step_id: z.string(),
    grant: z.object({ id: uuid, version: z.int() }),
    workload: z.object({ issuer: z.string(), subject: z.string() }),
    tool: z.object({ name: z.string(), version: z.int() }),
    state: z.enum(['open', 'ended']),
    outcome: z
      .enum(['success', 'refused', 'failure', 'unknown'])
      .nullable()
      .describe('`unknown`: it left, and nobody knows what became of it'),
    code: z.string().nullable(),
    status: z.int().nullable().describe("the provider's"),
    started_at: instant,
    deadline: instant.describe('after this it counts as lost'),
    ended_at: instant.nullable(),
    request_bytes: z.int(),
    response_bytes: z.int().nullable(),
    reserved_micros: micros,
    cost_micros: micros.nullable(),
    units: z.record(z.string(), z.number()),
  })
  .meta({ id: 'CallRecordView' });
export type CallRecordView = z.output<typeof callRecordView>;

/** The view of a call. */
export function callRecordViewOf(record: CallRecord): CallRecordView {
  return {
    id: record.id,
    run: { ref: record.runRef, run_id: record.runId },
    step_id: record.stepId,
    grant: { id: record.grantId, version: record.grantVersion },
    workload: { issuer: record.issuer, subject: record.subject },
    tool: { name: record.tool, version: record.toolVersion },
    state: record.state,
    outcome: record.outcome,
    code: record.code,
    status: record.status,
    started_at: instantOf(record.startedAt),
    deadline: instantOf(record.deadline),
    ended_at: instantOrNull(record.endedAt),
    request_bytes: record.requestBytes,
    response_bytes: record.responseBytes,
    reserved_micros: record.reservedMicros,
    cost_micros: record.costMicros,
    units: { ...record.units },
  };
}
