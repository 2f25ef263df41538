import { Injectable, type OnModuleInit } from '@nestjs/common';
import { JobRegistry, MOMENTS_MS, type Progress } from '../scheduler/job.js';
import { Settings } from '../settings/schema.js';
import { AlertRetention } from './alert-retention.js';
import { Delivery } from './delivery.js';
import { FollowLog } from './follow-log.js';
import { StalledLog } from './stalled-log.js';
import { Tell } from './tell.js';

const BATCH = 200;

/** The work on alerts that comes round. */
@Injectable()
export class AlertJobs implements OnModuleInit {
  constructor(
    private readonly registry: JobRegistry,
    private readonly settings: Settings,
    private readonly followLog: FollowLog,
    private readonly tell: Tell,
    private readonly delivery: Delivery,
    private readonly retention: AlertRetention,
    private readonly stalledLog: StalledLog,
  ) {}

  onModuleInit(): void {
    const everyMs = this.settings.values.alerts.followMs;
    this.registry.add({
      name: 'alert.follow-log',
      everyMs,
      sharing: 'exclusive',
      longestMs: MOMENTS_MS,
      run: (signal, progress) => this.follow(signal, progress),
    });
    this.registry.add({
      name: 'alert.deliver',
      everyMs,
      sharing: 'every-replica',
      longestMs: MOMENTS_MS,
      run: async () => ({ worked: await this.delivery.round() }),
    });
    this.registry.add({
      name: 'alert.stalled-log',
      everyMs: 5_000,
      sharing: 'exclusive',
      longestMs: MOMENTS_MS,
      run: async () => ({ worked: (await this.stalledLog.watch()) ? 1 : 0 }),
    });
    this.registry.add({
      name: 'alert.retention',
      everyMs: 3_600_000,
      sharing: 'exclusive',
      longestMs: MOMENTS_MS,
      run: async () => ({ worked: await this.retention.drop(5_000) }),
    });
  }

  private async follow(signal: AbortSignal, progress: Progress): Promise<{ worked: number }> {
    let worked = 0;
    for (let read = 1; read > 0 && !signal.aborted; worked += read) {
      read = await this.followLog.step();
      progress();
    }
    worked += await this.tell.due(BATCH);
    await this.tell.resolve(BATCH);
    return { worked };
  }
}
