import { Injectable, type OnModuleInit } from '@nestjs/common';
import { JobRegistry, MOMENTS_MS } from '../../scheduler/job.js';
import { HoldFollower } from './hold-follower.js';

const EVERY_MS = 1_000;

/** Keeps who held what up with the log. */
@Injectable()
export class HoldJobs implements OnModuleInit {
  constructor(
    private readonly registry: JobRegistry,
    private readonly follower: HoldFollower,
  ) {}

  onModuleInit(): void {
    this.registry.add({
      name: 'audit.follow-holds',
      everyMs: EVERY_MS,
      sharing: 'exclusive',
      longestMs: MOMENTS_MS,
      run: async (signal, progress) => {
        let worked = 0;
        for (let read = 1; read > 0 && !signal.aborted; worked += read) {
          read = await this.follower.step();
          progress();
        }
        return { worked };
      },
    });
  }
}
