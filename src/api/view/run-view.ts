import { z } from 'zod';
import { RUN_STATES, type Run } from '../../run/run.js';
import { instant, uuid } from '../schema/fields.js';
import { workloadView } from './lease-view.js';
import { instantOf, instantOrNull } from './page-view.js';

/** A run in an answer. */
export const runView = z
  .object({
    id: uuid.describe('our id; `run_ref` of its leases'),
    run_id: z.string().describe("the platform's id"),
    grant_id: uuid,
    grant: z.string(),
    grant_version: z.int().describe('version of the grant under which it was opened'),
    workload: workloadView,
    claims: z.record(z.string(), z.unknown()).describe("the claims that the grant's conditions name"),
    state: z.enum(RUN_STATES),
    opened_at: instant,
    deadline: instant.describe('no lease of the run lives longer'),
    ended_at: instant.nullable(),
    end_cause: z.string().nullable(),
  })
  .meta({ id: 'RunView' });
export type RunView = z.output<typeof runView>;

/** How a run ended. */
export const runEndView = z
  .object({
    run: runView,
    leases: z.int().describe('live leases that it had'),
    proved: z.int().describe('leases of which the end is proved'),
    outstanding: z.int().describe('leases that are still being revoked'),
    revocation: uuid.describe('where it can be watched: `GET /v1/revocations/{id}`'),
  })
  .meta({ id: 'RunEndView' });
export type RunEndView = z.output<typeof runEndView>;

/** What callers see of a run. */
export function runViewOf(run: Run): RunView {
  return {
    id: run.id,
    run_id: run.runId,
    grant_id: run.grantId,
    grant: run.grantName,
    grant_version: run.grantVersion,
    workload: { issuer: run.issuer, subject: run.subject },
    claims: { ...run.claims },
    state: run.state,
    opened_at: instantOf(run.openedAt),
    deadline: instantOf(run.deadline),
    ended_at: instantOrNull(run.endedAt),
    end_cause: run.endCause,
  };
}
