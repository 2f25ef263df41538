import { Injectable, type OnModuleInit } from '@nestjs/common';
import { JobRegistry, MOMENTS_MS, type Progress } from '../scheduler/job.js';
import { Settings } from '../settings/schema.js';
import { SinkRows } from './sink-rows.js';
import { SinkSender } from './sink-sender.js';
import { SinkTargets, type SinkTarget } from './sink-targets.js';
import { SinkWatch } from './sink-watch.js';

const WATCH_MS = 5_000;

/** A job for each sink, so that one that is slow keeps no other waiting, and one that looks how they all stand. */
@Injectable()
export class SinkJobs implements OnModuleInit {
  readonly #known = new Set<string>();

  constructor(
    private readonly registry: JobRegistry,
    private readonly settings: Settings,
    private readonly targets: SinkTargets,
    private readonly rows: SinkRows,
    private readonly sender: SinkSender,
    private readonly watch: SinkWatch,
  ) {}

  onModuleInit(): void {
    for (const target of this.targets.all)
      this.registry.add({
        name: `sink.${target.sink.name}`,
        everyMs: this.settings.values.sinks.pollMs,
        sharing: 'exclusive',
        // A delivery, and what is done in the database beside it.
        longestMs: this.settings.values.sinks.timeoutMs + MOMENTS_MS,
        run: (signal, progress) => this.send(target, signal, progress),
      });
    this.registry.add({
      name: 'sink.watch.all',
      everyMs: WATCH_MS,
      sharing: 'exclusive',
      longestMs: MOMENTS_MS,
      run: async () => ({ worked: await this.watch.look() }),
    });
  }

  private async send(
    target: SinkTarget,
    signal: AbortSignal,
    progress: Progress,
  ): Promise<{ worked: number }> {
    if (!this.#known.has(target.sink.name)) {
      await this.rows.know(target.sink);
      this.#known.add(target.sink.name);
    }
    return { worked: await this.sender.follow(target, signal, progress) };
  }
}
