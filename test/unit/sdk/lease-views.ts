import type { LeaseView } from '../../../src/sdk/api-types.js';

/** A lease as the broker would describe it. */
export function leaseView(changes: Partial<LeaseView> = {}): LeaseView {
  return {
    id: '0198c0de-0000-7000-8000-000000000001',
    run_id: 'run-1',
    run_ref: '0198c0de-0000-7000-8000-000000000002',
    step_id: 'step',
    grant: 'nightly',
    grant_id: '0198c0de-0000-7000-8000-000000000003',
    grant_version: 1,
    credential: 'orders',
    kind: 'database',
    mount: 'database',
    delivery: 'inline',
    revocable: true,
    state: 'active',
    requested_at: '2026-11-21T12:00:00.000Z',
    issued_at: '2026-11-21T12:00:00.000Z',
    expires_at: '2026-11-21T12:10:00.000Z',
    max_expires_at: '2026-11-21T13:00:00.000Z',
    renewals: 0,
    revoke_cause: null,
    ended_at: null,
    proof: null,
    attempts: 0,
    last_error: null,
    next_attempt_at: null,
    stuck_since: null,
    workload: { issuer: 'ci', subject: 'job' },
    ...changes,
  };
}
