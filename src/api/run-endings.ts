import { Injectable } from '@nestjs/common';
import { Revoker } from '../lease/revoker.js';
import type { RunEnding } from '../run/runs.js';
import { Settings } from '../settings/schema.js';
import { runViewOf, type RunEndView } from './view/run-view.js';

/** Answers the end of a run once its leases are proved dead, or when the wait for that is over. */
@Injectable()
export class RunEndings {
  constructor(
    private readonly revoker: Revoker,
    private readonly settings: Settings,
  ) {}

  /** Waits at most `leases.revokeWaitMs` after the end is durable; what is outstanding goes on behind it. */
  async wait(ending: Promise<RunEnding>, runRef: string): Promise<RunEndView> {
    const { run, leases } = await ending;
    const tally = await this.revoker.revokeNow({ runRef }, this.settings.values.leases.revokeWaitMs);
    return { run: runViewOf(run), leases, proved: tally.proved, outstanding: tally.outstanding };
  }
}
