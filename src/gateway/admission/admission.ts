import { Injectable } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { BrokerError } from '../../kernel/broker-error.js';
import { Settings } from '../../settings/schema.js';
import { CallObserver } from '../call/call-observer.js';
import type { AdmissionRequest, Admitted, Completion } from './admission-request.js';
import { AdmissionStatements, type GroupVerdict, type Verdict } from './admission-statements.js';
import { Batcher } from './batcher.js';
import { isOfData, limitsUnavailable } from './database-outage.js';
import { LimitRefusal, stateOf } from './limit-refusal.js';

/** The most calls of one statement; more would make the first of them wait for the last. */
const LARGEST_GROUP = 128;
/** Calls that may wait; at 2,000 a second the last of them waits for about a second. */
const LONGEST_QUEUE = 2_048;
/** How often the end of a call is tried to be written before it is left to be reconciled, and the waits between. */
const WAITS_MS = [50, 200, 500, 1_000, 2_000];

/** How often a call is asked for again while its grant, run or tool is being changed: at first at once, then with a wait. */
const MOST_ROUNDS = 50;
const QUICK_ROUNDS = 3;
const BUSY_WAIT_MS = 20;

interface Decided {
  readonly group: GroupVerdict;
  readonly verdict: Verdict;
  readonly index: number;
}

/**
 * Lets calls through, and writes down how they ended. All that happens at the same time shares one statement and one
 * commit. Limits are exact over replicas and restarts; when they cannot be read, nothing is let through.
 */
@Injectable()
export class Admission {
  readonly #admissions: Batcher<AdmissionRequest, Decided>;
  readonly #completions: Batcher<Completion, boolean>;

  constructor(
    private readonly statements: AdmissionStatements,
    settings: Settings,
    observer: CallObserver,
  ) {
    const options = {
      largest: LARGEST_GROUP,
      queue: LONGEST_QUEUE,
      timeoutMs: settings.values.database.statementTimeoutMs + 5_000,
      late: () => limitsUnavailable(new Error('no answer from the database')),
      divisible: isOfData,
    };
    const admit = (requests: readonly AdmissionRequest[]): Promise<readonly Decided[]> => {
      observer.grouped('admit', requests.length);
      return this.decide(requests);
    };
    this.#admissions = new Batcher(admit, options);
    // An end that is not written costs more than the memory it waits in.
    const complete = (ends: readonly Completion[]): Promise<readonly boolean[]> => {
      observer.grouped('complete', ends.length);
      return this.statements.complete(ends);
    };
    this.#completions = new Batcher(complete, { ...options, queue: 16 * LONGEST_QUEUE });
  }

  /**
   * Lets a call through once it and its event are on disk. Refuses with `run_closed`, `grant_not_active`,
   * `budget_exhausted`, `rate_limited`, `concurrency_limited`, `bytes_limited`, `gateway_overloaded`, `overloaded` and
   * `limits_unavailable`; with `grant_changed` and `tool_changed` when the decision is to be made again on what is
   * there now. A call that was refused with `limits_unavailable` may have been written: it is reconciled.
   */
  async admit(request: AdmissionRequest): Promise<Admitted> {
    const { group, verdict, index } = await this.decided(request);
    switch (verdict.kind) {
      case 'ok':
        return {
          startedAt: group.at,
          limits: group.plan
            .rulesAt(index)
            .map(({ rule }, nth) => stateOf(rule, verdict.used[nth] ?? 0, verdict.resetMs[nth] ?? 0)),
        };
      case 'limited':
        throw LimitRefusal.of(group, verdict);
      case 'busy':
        throw new BrokerError('overloaded', { retryAfterSeconds: 1 });
      default:
        throw new BrokerError(verdict.kind);
    }
  }

  /**
   * Writes down how a call ended, with its event. A call that was ended before, by whoever reconciles, stays as it
   * is. Fails with `limits_unavailable` when the database does not answer for some seconds; then it is reconciled.
   */
  async complete(completion: Completion): Promise<void> {
    for (const waitMs of WAITS_MS) {
      try {
        await this.#completions.add(completion);
        return;
      } catch (error) {
        // Trying again is safe: a call ends once.
        if (isOfData(error)) throw error;
        await pause(waitMs);
      }
    }
    await this.#completions.add(completion).catch(asUnavailable);
  }

  /** Asks again while somebody is changing what the call depends on, for about a second. */
  private async decided(request: AdmissionRequest): Promise<Decided> {
    for (let round = 1; ; round += 1) {
      const decided = await this.#admissions.add(request).catch(asUnavailable);
      if (decided.verdict.kind !== 'busy' || round === MOST_ROUNDS) return decided;
      if (round > QUICK_ROUNDS) await pause(BUSY_WAIT_MS);
    }
  }

  private async decide(requests: readonly AdmissionRequest[]): Promise<readonly Decided[]> {
    const group = await this.statements.admit(requests);
    return group.verdicts.map((verdict, index) => ({ group, verdict, index }));
  }
}

function asUnavailable(error: unknown): never {
  throw error instanceof BrokerError || isOfData(error) ? error : limitsUnavailable(error);
}
