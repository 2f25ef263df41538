import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { Log } from '../kernel/log.js';
import { safeErrorFields } from '../kernel/safe-error.js';
import { Settings } from '../settings/schema.js';
import { Sequencer } from './sequencer.js';

const INTERVAL = 'audit.sequence';

/**
 * Keeps the inbox drained in a process with the role `sequencer`, every `audit.sequenceIntervalMs`. When the database
 * does not answer it goes on trying; the events are safe in the inbox.
 */
@Injectable()
export class SequencerLoop implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #stop = new AbortController();
  #working: Promise<void> | undefined;
  #failing = false;
  #sequenced = 0;

  constructor(
    private readonly settings: Settings,
    private readonly log: Log,
    private readonly registry: SchedulerRegistry,
    private readonly sequencer: Sequencer,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.settings.values.roles.includes('sequencer')) return;
    this.registry.addInterval(
      INTERVAL,
      setInterval(() => void this.tick(), this.settings.values.audit.sequenceIntervalMs),
    );
  }

  /** After the jobs have ended and while the database is still there: what they recorded is taken along. */
  async beforeApplicationShutdown(): Promise<void> {
    if (!this.registry.doesExist('interval', INTERVAL)) return;
    this.registry.deleteInterval(INTERVAL);
    this.#stop.abort();
    await this.#working;
    await this.#drain(undefined);
  }

  /** Events that this process has sequenced since it started. */
  get sequenced(): number {
    return this.#sequenced;
  }

  /** Drains the inbox once. Ticks never overlap; a failure is logged, not thrown. */
  tick(): Promise<void> {
    this.#working ??= this.#drain(this.#stop.signal).finally(() => (this.#working = undefined));
    return this.#working;
  }

  async #drain(signal: AbortSignal | undefined): Promise<void> {
    try {
      if (signal === undefined || (await this.sequencer.isDue()))
        this.#sequenced += await this.sequencer.drain(signal);
      this.#failing = false;
    } catch (error) {
      // Once per outage: it is tried again at the next tick.
      if (!this.#failing)
        this.log.error(safeErrorFields(error), 'events could not be sequenced; they wait in the inbox');
      this.#failing = true;
    }
  }
}
