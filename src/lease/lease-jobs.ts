import { Injectable, type OnModuleInit } from '@nestjs/common';
import { JobRegistry, MOMENTS_MS, type Job, type JobResult, type Progress } from '../scheduler/job.js';
import { LeaseExpiry } from './expire.js';
import { Retention } from './retention.js';
import { RevocationLag } from './revocation-lag.js';
import { Revoker } from './revoker.js';

const BATCH = 500;
/** Of these that are first marked: the target can begin while the others are. */
const FIRST_BATCH = 50;
/** Less than a tick of the scheduler: at a whole one a job that began late in its tick would miss every second. */
const EACH_TICK_MS = 250;
/** Of one mount and run of the job; large, because a sweep of a mount goes on while the job comes round. */
const SWEEP = 10_000;
/** How long a run of the job waits for slow mounts, which go on behind it. */
const SWEEP_WAIT_MS = 1_000;

/** The work on leases that comes round. */
@Injectable()
export class LeaseJobs implements OnModuleInit {
  constructor(
    private readonly registry: JobRegistry,
    private readonly expiry: LeaseExpiry,
    private readonly revoker: Revoker,
    private readonly retention: Retention,
    private readonly lag: RevocationLag,
  ) {}

  onModuleInit(): void {
    for (const job of this.jobs()) this.registry.add(job);
  }

  private jobs(): readonly Job[] {
    return [
      {
        name: 'expire-leases',
        everyMs: EACH_TICK_MS,
        sharing: 'exclusive',
        longestMs: MOMENTS_MS,
        run: (signal, progress) => this.expireAndRevoke(signal, progress),
      },
      {
        name: 'revoke-leases',
        everyMs: EACH_TICK_MS,
        sharing: 'every-replica',
        longestMs: MOMENTS_MS,
        run: async () => ({ worked: await this.revoker.revokeDue(SWEEP, SWEEP_WAIT_MS) }),
      },
      {
        name: 'watch-revocation-lag',
        everyMs: 5_000,
        sharing: 'exclusive',
        longestMs: MOMENTS_MS,
        run: async () => ({ worked: await this.lag.watch() }),
      },
      {
        name: 'retention',
        everyMs: 3_600_000,
        sharing: 'exclusive',
        longestMs: MOMENTS_MS,
        run: (signal, progress) => untilDone(signal, progress, (size) => this.retention.drop(size)),
      },
    ];
  }

  /** What is marked here is begun here at once; the other replicas see it when they come round. */
  private async expireAndRevoke(signal: AbortSignal, progress: Progress): Promise<JobResult> {
    let nextDueInMs: number | undefined;
    const { worked } = await untilDone(signal, progress, async (size) => {
      const expired = await this.expiry.expireDue(size);
      if (expired.marked > 0) await this.revoker.revokeDue(SWEEP, 0);
      nextDueInMs = expired.nextDueInMs;
      return expired.marked;
    });
    return { worked, nextDueInMs };
  }
}

/** Works batch by batch until one is not full, so that a long queue does not wait for the next time round. */
async function untilDone(
  signal: AbortSignal,
  progress: Progress,
  batch: (size: number) => Promise<number>,
): Promise<JobResult> {
  let worked = 0;
  for (let size = FIRST_BATCH; ; size = BATCH) {
    const done = await batch(size);
    worked += done;
    progress();
    if (done < size || signal.aborted) return { worked };
  }
}
