import { Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { Clock } from '../kernel/clock.js';
import { crashPoint } from '../kernel/crash-point.js';
import { Log } from '../kernel/log.js';
import { safeErrorFields, safeErrorText } from '../kernel/safe-error.js';
import { Urgency } from '../kernel/urgency.js';
import { Settings } from '../settings/schema.js';
import { keepClaim } from './heartbeat.js';
import type { Job } from './job.js';
import { JobClaims, type Claim } from './job-claims.js';
import { RegisteredJobs } from './registered-jobs.js';
import { RunTooLong, withinLimit } from './run-limit.js';
import { RunHistory } from './run-history.js';

const INTERVAL = 'scheduler.tick';
/** A timer may call a little before the clock says so; what falls due would not be due yet. */
const TIMER_EARLY_MS = 2;

interface Running {
  readonly controller: AbortController;
  readonly done: Promise<void>;
}

/**
 * Starts jobs when they are due: exclusive ones on one replica at a time, the others on every replica, none beside
 * itself. Runs only in a process with the role `scheduler`. It looks every `scheduler.tickMs`,
 * and when a job has said that its next thing falls due.
 */
@Injectable()
export class Runner implements OnApplicationBootstrap, OnModuleDestroy {
  readonly #running = new Map<string, Running>();
  readonly #nextMs = new Map<string, number>();
  readonly #known = new Set<string>();
  /** Ticks for what falls due between two of the usual ones. */
  readonly #extra = new Set<NodeJS.Timeout>();
  #ticking: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;
  #unreachable = false;

  constructor(
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly log: Log,
    private readonly registry: SchedulerRegistry,
    private readonly jobs: RegisteredJobs,
    private readonly claims: JobClaims,
    private readonly history: RunHistory,
    private readonly urgency: Urgency,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.settings.values.roles.includes('scheduler')) return;
    this.registry.addInterval(
      INTERVAL,
      setInterval(
        this.urgency.givingWay(() => void this.tick()),
        this.settings.values.scheduler.tickMs,
      ),
    );
  }

  onModuleDestroy(): Promise<void> {
    return this.stop();
  }

  /** Names of the jobs that run here at this moment. */
  running(): readonly string[] {
    return [...this.#running.keys()];
  }

  /** Starts what is due, and answers when it is started. Ticks never overlap; a failure is logged, not thrown. */
  tick(): Promise<void> {
    this.#ticking ??= this.#startDue().finally(() => (this.#ticking = undefined));
    return this.#ticking;
  }

  /**
   * Starts nothing more, aborts what runs and waits for it, at most `server.drainSeconds`. What does not end in time
   * keeps its claim until that runs out, so that no other replica does the same beside it.
   */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    if (this.registry.doesExist('interval', INTERVAL)) this.registry.deleteInterval(INTERVAL);
    for (const timer of this.#extra) clearTimeout(timer);
    await this.#ticking;
    const running = [...this.#running.values()];
    for (const { controller } of running) controller.abort(new Error('the replica is stopping'));
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.settings.values.server.drainSeconds * 1_000);
    });
    await Promise.race([Promise.all(running.map(({ done }) => done)), limit]);
    clearTimeout(timer);
    if (this.#running.size > 0) this.log.warn({ jobs: this.running() }, 'jobs did not end in time');
  }

  async #startDue(): Promise<void> {
    if (this.#stopped !== undefined) return;
    for (const job of this.jobs.shared('every-replica')) {
      if (!this.#running.has(job.name) && this.#dueHere(job)) this.#start(job, undefined);
    }
    const exclusive = this.jobs.shared('exclusive').filter(({ name }) => !this.#running.has(name));
    for (const claim of await this.#claim(exclusive.map(({ name }) => name))) {
      const job = exclusive.find(({ name }) => name === claim.name);
      if (job !== undefined) this.#start(job, claim);
    }
  }

  #dueHere(job: Job): boolean {
    const nowMs = this.clock.monotonicMs();
    if (nowMs < (this.#nextMs.get(job.name) ?? 0)) return false;
    this.#nextMs.set(job.name, nowMs + job.everyMs);
    return true;
  }

  async #claim(names: readonly string[]): Promise<readonly Claim[]> {
    try {
      const unknown = names.filter((name) => !this.#known.has(name));
      if (unknown.length > 0) await this.claims.know(unknown);
      for (const name of unknown) this.#known.add(name);
      const claims = await this.claims.claimDue(names);
      this.#unreachable = false;
      return claims;
    } catch (error) {
      // Once per outage; it is looked for every tick.
      if (!this.#unreachable) this.log.warn(safeErrorFields(error), 'jobs cannot be claimed');
      this.#unreachable = true;
      return [];
    }
  }

  #start(job: Job, claim: Claim | undefined): void {
    const controller = new AbortController();
    // A claim that arrived while stopping is run with an aborted signal, which gives it back.
    if (this.#stopped !== undefined) controller.abort(new Error('the replica is stopping'));
    const done = this.#run(job, claim, controller).finally(() => this.#running.delete(job.name));
    this.#running.set(job.name, { controller, done });
  }

  async #run(job: Job, claim: Claim | undefined, controller: AbortController): Promise<void> {
    const log = this.log.child({ job: job.name });
    const startedAt = this.clock.now();
    const startMs = this.clock.monotonicMs();
    const endHeartbeat =
      claim &&
      keepClaim(this.claims, claim, this.clock, () => {
        log.warn({}, 'the claim on the job was lost; it is told to end');
        controller.abort(new Error('the claim was lost'));
      });
    let worked = 0;
    let nextDueInMs: number | undefined;
    let error: string | undefined;
    try {
      controller.signal.throwIfAborted();
      if (claim !== undefined) crashPoint('job.claimed');
      const result = await withinLimit(
        (progress) => job.run(controller.signal, progress),
        job.longestMs,
        (late) => controller.abort(late),
      );
      ({ worked, nextDueInMs } = result);
    } catch (thrown) {
      // Ending early because it was told to is not a failure of the job.
      if (!controller.signal.aborted || thrown instanceof RunTooLong) {
        error = safeErrorText(thrown);
        log.error(safeErrorFields(thrown), 'the job failed');
      }
    }
    if (claim !== undefined) crashPoint('job.ran');
    endHeartbeat?.();
    const durationMs = this.clock.monotonicMs() - startMs;
    this.history.add(job.name, { startedAt, durationMs, worked, error });
    if (worked > 0) log.debug({ worked, durationMs }, 'the job did something');
    if (nextDueInMs !== undefined) this.#tickIn(Math.max(nextDueInMs, job.everyMs - durationMs));
    if (claim !== undefined) await this.#giveBack(job, claim, error, controller.signal.aborted, log);
  }

  /** One tick more, where the next of the usual ones is later. */
  #tickIn(ms: number): void {
    if (ms >= this.settings.values.scheduler.tickMs || this.#stopped !== undefined) return;
    const timer = setTimeout(() => {
      this.#extra.delete(timer);
      void this.tick();
    }, ms + TIMER_EARLY_MS);
    this.#extra.add(timer);
  }

  async #giveBack(
    job: Job,
    claim: Claim,
    error: string | undefined,
    aborted: boolean,
    log: Log,
  ): Promise<void> {
    try {
      if (aborted && error === undefined) await this.claims.release(claim);
      else if (!(await this.claims.finish(claim, job.everyMs, error))) {
        log.warn({}, 'the job ended after its claim was lost');
      }
    } catch (thrown) {
      log.warn(
        safeErrorFields(thrown),
        'the end of the job could not be written; its claim runs out by itself',
      );
    }
  }
}
