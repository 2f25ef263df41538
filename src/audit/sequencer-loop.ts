import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { systemCaller } from '../kernel/caller.js';
import { Ids } from '../kernel/ids.js';
import { Log } from '../kernel/log.js';
import { safeErrorFields } from '../kernel/safe-error.js';
import { Urgency } from '../kernel/urgency.js';
import { Settings } from '../settings/schema.js';
import { AuditInbox } from './audit-inbox.js';
import { AuditQuery } from './audit-query.js';
import { LogDamaged } from './log/log-tree.js';
import { LogWatch } from './log/log-watch.js';
import { Sequencer } from './sequencer.js';

const INTERVAL = 'audit.sequence';
const WATCH = 'audit.watch';
/** Nine hundred thousand entries an hour and replica, at two small reads for 256. */
const WATCH_EVERY_MS = 1_000;

/**
 * Keeps the inbox drained in a process with the role `sequencer`, every `audit.sequenceIntervalMs`. When the database
 * does not answer it goes on trying; the events are safe in the inbox.
 */
@Injectable()
export class SequencerLoop implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #stop = new AbortController();
  #working: Promise<void> | undefined;
  #failing = false;
  #damage: string | undefined;
  #sequenced = 0;

  constructor(
    private readonly settings: Settings,
    private readonly log: Log,
    private readonly registry: SchedulerRegistry,
    private readonly sequencer: Sequencer,
    private readonly inbox: AuditInbox,
    private readonly query: AuditQuery,
    private readonly ids: Ids,
    private readonly watch: LogWatch,
    private readonly urgency: Urgency,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.settings.values.roles.includes('sequencer')) return;
    this.registry.addInterval(
      INTERVAL,
      setInterval(
        this.urgency.givingWay(() => void this.tick()),
        this.settings.values.audit.sequenceIntervalMs,
      ),
    );
    this.registry.addInterval(
      WATCH,
      setInterval(
        this.urgency.givingWay(() => void this.watch.step().catch(() => undefined)),
        WATCH_EVERY_MS,
      ),
    );
  }

  /** After the jobs have ended and while the database is still there: what they recorded is taken along. */
  async beforeApplicationShutdown(): Promise<void> {
    if (!this.registry.doesExist('interval', INTERVAL)) return;
    this.registry.deleteInterval(INTERVAL);
    this.registry.deleteInterval(WATCH);
    this.#stop.abort();
    await this.#working;
    await this.#drain(undefined);
  }

  /** What is wrong with the log, so that nothing is sequenced; undefined while it is whole, as far as is known here. */
  get damage(): string | undefined {
    return this.#damage;
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
      this.#damage = undefined;
    } catch (error) {
      // Once per outage: it is tried again at the next tick.
      if (!this.#failing)
        this.log.error(safeErrorFields(error), 'events could not be sequenced; they wait in the inbox');
      this.#failing = true;
      if (error instanceof LogDamaged) await this.#tell(error).catch(() => undefined);
    }
  }

  /** Once per outage. It waits in the inbox with the others; that nothing is sequenced is told by an alert of its own. */
  async #tell(error: LogDamaged): Promise<void> {
    if (this.#damage !== undefined) return;
    this.#damage = error.message;
    const { size } = await this.query.head();
    await this.inbox.record(
      'log.damaged',
      { caller: systemCaller('log', this.ids.uuid()), outcome: 'failure' },
      { detail: error.message, size },
    );
  }
}
