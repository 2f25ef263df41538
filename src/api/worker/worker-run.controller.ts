import { Controller, Delete, Get } from '@nestjs/common';
import type { Caller } from '../../kernel/caller.js';
import type { RunIdentity } from '../../identity/run-token.js';
import { Leases } from '../../lease/leases.js';
import { Runs } from '../../run/runs.js';
import { RunToken } from '../access/access.js';
import { CallerParam, RunParam } from '../access/principal.js';
import { Documented } from '../openapi/operation.js';
import { RunEndings } from '../run-endings.js';
import { leaseViewOf, type LeaseView } from '../view/lease-view.js';
import { runEndView, runViewOf, type RunEndView, type RunView } from '../view/run-view.js';
import { ownRunView } from './worker-schema.js';

const MOST_LEASES = 200;

/** The run that the caller works for. */
@Controller('v1/runs/self')
export class WorkerRunController {
  constructor(
    private readonly runs: Runs,
    private readonly leases: Leases,
    private readonly endings: RunEndings,
  ) {}

  @Get()
  @RunToken()
  @Documented({
    id: 'ownRun',
    tag: 'Workers',
    summary: 'Read the own run and its newest leases',
    answer: ownRunView,
  })
  async read(@RunParam() identity: RunIdentity): Promise<{ run: RunView; leases: LeaseView[] }> {
    const [run, leases] = await Promise.all([
      this.runs.get(identity.runRef),
      this.leases.list({ run: identity.runRef, limit: MOST_LEASES }),
    ]);
    return { run: runViewOf(run), leases: leases.items.map(leaseViewOf) };
  }

  @Delete()
  @RunToken()
  @Documented({
    id: 'closeOwnRun',
    tag: 'Workers',
    summary: 'Close the own run, and every lease of it',
    description:
      'A run that is closed never opens again. Waits a while for the proofs; `outstanding` is what is left.',
    answer: runEndView,
    errors: ['run_closed'],
  })
  close(@RunParam() identity: RunIdentity, @CallerParam() caller: Caller): Promise<RunEndView> {
    return this.endings.wait(this.runs.close(caller, identity.runRef));
  }
}
