import { Injectable } from '@nestjs/common';
import { Revocations } from '../lease/kill/revocations.js';
import type { RunEnding } from '../run/runs.js';
import { Settings } from '../settings/schema.js';
import { runViewOf, type RunEndView } from './view/run-view.js';

/** Answers the end of a run once its leases are proved dead, or when the wait for that is over. */
@Injectable()
export class RunEndings {
  constructor(
    private readonly revocations: Revocations,
    private readonly settings: Settings,
  ) {}

  /** Waits at most `leases.revokeWaitMs` after the end is durable; what is outstanding goes on behind it. */
  async wait(ending: Promise<RunEnding>): Promise<RunEndView> {
    const { run, leases, revocationId } = await ending;
    const waitMs = this.settings.values.leases.revokeWaitMs;
    const { proved, outstanding } = await this.revocations.watch(revocationId, waitMs);
    return { run: runViewOf(run), leases, proved, outstanding, revocation: revocationId };
  }
}
