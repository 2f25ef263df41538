import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Grants } from '../grant/grants.js';
import { JobRegistry, MOMENTS_MS } from '../scheduler/job.js';
import { Settings } from '../settings/schema.js';
import { Runs } from './runs.js';

const AT_ONCE = 200;

/** Registers the jobs that expire grants and runs when their time is over. */
@Injectable()
export class ExpiryJobs implements OnModuleInit {
  constructor(
    private readonly settings: Settings,
    private readonly jobs: JobRegistry,
    private readonly grants: Grants,
    private readonly runs: Runs,
  ) {}

  onModuleInit(): void {
    this.add('grants.expire', (limit) => this.grants.expireDue(limit));
    this.add('runs.expire', (limit) => this.runs.expireDue(limit));
  }

  private add(name: string, expire: (limit: number) => Promise<number>): void {
    this.jobs.add({
      name,
      everyMs: this.settings.values.scheduler.tickMs,
      sharing: 'exclusive',
      longestMs: MOMENTS_MS,
      run: async (signal, progress) => {
        let worked = 0;
        for (;;) {
          const expired = signal.aborted ? 0 : await expire(AT_ONCE);
          worked += expired;
          progress();
          if (expired < AT_ONCE) return { worked };
        }
      },
    });
  }
}
