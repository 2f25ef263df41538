import { Injectable, type OnModuleInit } from '@nestjs/common';
import { JobRegistry, MOMENTS_MS } from '../../scheduler/job.js';
import { FollowLogs } from './follow/follow-logs.js';
import { ProviderUsageWatch } from './provider-usage-watch.js';
import { ShadowRetention } from './shadow-retention.js';
import { TellUses } from './uses/tell-uses.js';

/** The search for what goes around that comes round by itself. */
@Injectable()
export class ShadowJobs implements OnModuleInit {
  constructor(
    private readonly registry: JobRegistry,
    private readonly usage: ProviderUsageWatch,
    private readonly retention: ShadowRetention,
    private readonly logs: FollowLogs,
    private readonly uses: TellUses,
  ) {}

  onModuleInit(): void {
    // Each replica: a file may be on the machine of one of them. The cursor lets one write where several have it.
    if (this.logs.any)
      this.registry.add({
        name: 'shadow.follow-logs',
        everyMs: 1_000,
        sharing: 'every-replica',
        longestMs: MOMENTS_MS,
        run: async (signal, progress) => ({ worked: await this.logs.step(signal, progress) }),
      });
    this.registry.add({
      name: 'shadow.tell-uses',
      everyMs: 1_000,
      sharing: 'exclusive',
      longestMs: MOMENTS_MS,
      run: async (signal, progress) => ({ worked: await this.uses.tell(signal, progress) }),
    });
    this.registry.add({
      name: 'shadow.provider-usage',
      everyMs: 600_000,
      sharing: 'exclusive',
      longestMs: MOMENTS_MS,
      run: async () => ({ worked: await this.usage.look() }),
    });
    this.registry.add({
      name: 'shadow.retention',
      everyMs: 3_600_000,
      sharing: 'exclusive',
      longestMs: MOMENTS_MS,
      run: async () => ({ worked: await this.retention.drop(5_000) }),
    });
  }
}
