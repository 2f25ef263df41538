import type { Caller } from '../kernel/caller.js';
import type { EventContext } from '../audit/event.js';
import type { Run } from './run.js';

/** The envelope of an event about a run. */
export function aboutRun(run: Run, caller: Caller): EventContext {
  return {
    caller,
    workload: { issuer: run.issuer, subject: run.subject },
    run: { ref: run.id, runId: run.runId },
    grant: { id: run.grantId, name: run.grantName, version: run.grantVersion },
  };
}
