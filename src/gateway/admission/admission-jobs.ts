import { Injectable, type OnModuleInit } from '@nestjs/common';
import { JobRegistry, MOMENTS_MS, type Job } from '../../scheduler/job.js';
import { CallRetention } from './call-retention.js';
import { UnknownCalls } from './unknown-calls.js';

const CALLS_AT_ONCE = 200;
const ROWS_AT_ONCE = 5_000;

/** The work on calls and their limits that comes round. */
@Injectable()
export class AdmissionJobs implements OnModuleInit {
  constructor(
    private readonly registry: JobRegistry,
    private readonly unknown: UnknownCalls,
    private readonly retention: CallRetention,
  ) {}

  onModuleInit(): void {
    this.registry.add(
      job('gateway.reconcile-calls', 5_000, CALLS_AT_ONCE, (at) => this.unknown.reconcile(at)),
    );
    this.registry.add(
      job('gateway.drop-counts', 60_000, ROWS_AT_ONCE, (at) => this.retention.dropCounts(at)),
    );
    this.registry.add(
      job('gateway.drop-calls', 3_600_000, ROWS_AT_ONCE, (at) => this.retention.foldCalls(at)),
    );
  }
}

/** Works batch by batch until one is not full. */
function job(name: string, everyMs: number, atOnce: number, batch: (atOnce: number) => Promise<number>): Job {
  return {
    name,
    everyMs,
    sharing: 'exclusive',
    longestMs: MOMENTS_MS,
    run: async (signal, progress) => {
      let worked = 0;
      for (;;) {
        const done = signal.aborted ? 0 : await batch(atOnce);
        worked += done;
        progress();
        if (done < atOnce) return { worked };
      }
    },
  };
}
