import { Injectable, type OnModuleInit } from '@nestjs/common';
import { JobRegistry } from '../../scheduler/job.js';
import { ProviderUsageWatch } from './provider-usage-watch.js';
import { ShadowRetention } from './shadow-retention.js';

/** The search for what goes around that comes round by itself. */
@Injectable()
export class ShadowJobs implements OnModuleInit {
  constructor(
    private readonly registry: JobRegistry,
    private readonly usage: ProviderUsageWatch,
    private readonly retention: ShadowRetention,
  ) {}

  onModuleInit(): void {
    this.registry.add({
      name: 'shadow.provider-usage',
      everyMs: 600_000,
      sharing: 'exclusive',
      run: async () => ({ worked: await this.usage.look() }),
    });
    this.registry.add({
      name: 'shadow.retention',
      everyMs: 3_600_000,
      sharing: 'exclusive',
      run: async () => ({ worked: await this.retention.drop(5_000) }),
    });
  }
}
