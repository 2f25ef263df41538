import type { Filters } from '../sdk/admin-calls.js';
import type { Invocation } from './invocation.js';

/** The filters of events that a command was given, by the names of the API. */
export function filtersOf(invocation: Invocation): Filters {
  return {
    kind: invocation.texts('kind'),
    outcome: invocation.text('outcome'),
    code: invocation.text('code'),
    from: invocation.text('from'),
    to: invocation.text('to'),
    run: invocation.text('run') ?? invocation.text('runId'),
    run_ref: invocation.text('runRef'),
    step: invocation.text('step') ?? invocation.text('stepId'),
    grant: invocation.text('grant'),
    grant_version: invocation.text('grantVersion'),
    lease: invocation.text('lease'),
    credential: invocation.text('credential'),
    tool: invocation.text('tool'),
    workload: invocation.text('workload'),
    actor: invocation.text('actor'),
    request: invocation.text('request'),
    account: invocation.text('account'),
    from_index: invocation.text('fromIndex'),
    to_index: invocation.text('toIndex'),
  };
}
