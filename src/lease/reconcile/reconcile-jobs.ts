import { Injectable, type OnModuleInit } from '@nestjs/common';
import { JobRegistry, MOMENTS_MS, type Job, type Progress } from '../../scheduler/job.js';
import { Clocks } from './clocks.js';
import { Reconcile } from './reconcile.js';

const CLOCKS_EVERY_MS = 60_000;
/** Longest step of a comparison: a listing of all leases of a path, or all users of a target. */
const STEP_MS = 300_000;

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
        longestMs: MOMENTS_MS,
        run: async () => ({ worked: (await this.reconcile.issuing()).orphaned }),
      },
      {
        name: 'reconcile-vault',
        everyMs: 1_000,
        sharing: 'exclusive',
        longestMs: STEP_MS,
        run: (signal, progress) => this.compare(signal, progress),
      },
      {
        name: 'measure-clocks',
        everyMs: CLOCKS_EVERY_MS,
        sharing: 'every-replica',
        longestMs: MOMENTS_MS,
        run: async () => {
          await this.clocks.measure();
          return { worked: 0 };
        },
      },
    ];
  }

  /** What was asked for goes before the round that comes by itself. */
  private async compare(signal: AbortSignal, progress: Progress): Promise<{ worked: number }> {
    if ((await this.reconcile.asked(signal, progress)) !== undefined) return { worked: 1 };
    if (this.#started && !(await this.reconcile.roundDue())) return { worked: 0 };
    this.#started = true;
    return { worked: (await this.reconcile.round(signal, progress)).acted };
  }
}
