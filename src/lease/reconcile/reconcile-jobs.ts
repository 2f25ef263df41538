import { Injectable, type OnModuleInit } from '@nestjs/common';
import { JobRegistry, type Job } from '../../scheduler/job.js';
import { Clocks } from './clocks.js';
import { Reconcile } from './reconcile.js';

const CLOCKS_EVERY_MS = 60_000;
/** Far longer than a run takes; what has not ended then waits for something that does not come. */
const LONGEST_MS = 30_000;

/** The comparisons that come round. */
@Injectable()
export class ReconcileJobs implements OnModuleInit {
  /** A replica that starts compares once, whatever others did before: it may be there because something was restored. */
  #started = false;

  constructor(
    private readonly registry: JobRegistry,
    private readonly reconcile: Reconcile,
    private readonly clocks: Clocks,
  ) {}

  onModuleInit(): void {
    for (const job of this.jobs()) this.registry.add(job);
  }

  private jobs(): readonly Job[] {
    return [
      {
        name: 'reconcile-issuing',
        everyMs: 5_000,
        sharing: 'exclusive',
        longestMs: LONGEST_MS,
        run: async () => ({ worked: (await this.reconcile.issuing()).orphaned }),
      },
      {
        name: 'reconcile-vault',
        everyMs: 1_000,
        sharing: 'exclusive',
        run: (signal) => this.compare(signal),
      },
      {
        name: 'measure-clocks',
        everyMs: CLOCKS_EVERY_MS,
        sharing: 'every-replica',
        run: async () => {
          await this.clocks.measure();
          return { worked: 0 };
        },
      },
    ];
  }

  /** What was asked for goes before the round that comes by itself. */
  private async compare(signal: AbortSignal): Promise<{ worked: number }> {
    if ((await this.reconcile.asked(signal)) !== undefined) return { worked: 1 };
    if (this.#started && !(await this.reconcile.roundDue())) return { worked: 0 };
    this.#started = true;
    return { worked: (await this.reconcile.round(signal)).acted };
  }
}
