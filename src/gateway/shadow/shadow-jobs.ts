import { Injectable, type OnModuleInit } from '@nestjs/common';
import { JobRegistry } from '../../scheduler/job.js';
import { ProviderUsageWatch } from './provider-usage-watch.js';

/** The search for what goes around that comes round by itself. */
@Injectable()
export class ShadowJobs implements OnModuleInit {
  constructor(
    private readonly registry: JobRegistry,
    private readonly usage: ProviderUsageWatch,
  ) {}

  onModuleInit(): void {
    this.registry.add({
      name: 'shadow.provider-usage',
      everyMs: 600_000,
      sharing: 'exclusive',
      run: async () => ({ worked: await this.usage.look() }),
    });
  }
}
