import { Injectable } from '@nestjs/common';
import { BrokerError } from '../../kernel/broker-error.js';
import { Settings } from '../../settings/schema.js';
import type { AdmissionRequest, Admitted, Completion, LimitState } from './admission-request.js';
import { AdmissionStatements, type GroupVerdict, type Verdict } from './admission-statements.js';
import { Batcher } from './batcher.js';
import { isOfData, limitsUnavailable } from './database-outage.js';
import type { LimitKind } from './limit-rule.js';

/** The most calls of one statement; more would make the first of them wait for the last. */
const LARGEST_GROUP = 128;
/** Calls that may wait; at 2,000 a second the last of them waits for about a second. */
const LONGEST_QUEUE = 2_048;
/** How often the end of a call is tried to be written before it is left to be reconciled, and the waits between. */
const WAITS_MS = [50, 200, 500, 1_000, 2_000];

const CODE_OF = {
  budget: 'budget_exhausted',
  calls: 'rate_limited',
  concurrent: 'concurrency_limited',
  bytes: 'bytes_limited',
} as const satisfies Record<LimitKind, string>;

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
  ) {
    const options = {
      largest: LARGEST_GROUP,
      queue: LONGEST_QUEUE,
      timeoutMs: settings.values.database.statementTimeoutMs + 5_000,
      late: () => limitsUnavailable(new Error('no answer from the database')),
      divisible: isOfData,
    };
    this.#admissions = new Batcher((requests) => this.decide(requests), options);
    // An end that is not written costs more than the memory it waits in.
    this.#completions = new Batcher((ends) => this.statements.complete(ends), {
      ...options,
      queue: 16 * LONGEST_QUEUE,
    });
  }

  /**
   * Lets a call through once it and its event are on disk. Refuses with `run_closed`, `grant_not_active`,
   * `budget_exhausted`, `rate_limited`, `concurrency_limited`, `bytes_limited`, `gateway_overloaded` and
   * `limits_unavailable`; with `grant_changed` and `tool_changed` when the decision is to be made again on what is
   * there now. A call that was refused with `limits_unavailable` may have been written: it is reconciled.
   */
  async admit(request: AdmissionRequest): Promise<Admitted> {
    const { group, verdict, index } = await this.#admissions.add(request).catch(asUnavailable);
    switch (verdict.kind) {
      case 'ok':
        return { startedAt: group.at, limits: statesOf(group, index, verdict) };
      case 'limited':
        throw refusalOf(group, verdict);
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
        await new Promise((resolve) => setTimeout(resolve, waitMs));
      }
    }
    await this.#completions.add(completion).catch(asUnavailable);
  }

  private async decide(requests: readonly AdmissionRequest[]): Promise<readonly Decided[]> {
    const group = await this.statements.admit(requests);
    return group.verdicts.map((verdict, index) => ({ group, verdict, index }));
  }
}

function asUnavailable(error: unknown): never {
  throw error instanceof BrokerError || isOfData(error) ? error : limitsUnavailable(error);
}

function statesOf(
  { plan }: GroupVerdict,
  index: number,
  verdict: Extract<Verdict, { kind: 'ok' }>,
): readonly LimitState[] {
  return plan.rulesAt(index).map(({ rule }, nth) => ({
    name: rule.name,
    limit: rule.max,
    remaining: Math.max(0, rule.max - (verdict.used[nth] ?? 0)),
    resetSeconds: rule.windowSeconds === 0 ? 0 : wholeSeconds(verdict.resetMs[nth] ?? 0),
    windowSeconds: rule.windowSeconds,
  }));
}

function refusalOf({ plan, at }: GroupVerdict, verdict: Extract<Verdict, { kind: 'limited' }>): BrokerError {
  const rule = plan.ruleOf(verdict.place);
  if (rule === undefined) throw new Error('admit_calls refused by a limit that it was not given');
  const { kind, name, max, windowSeconds } = rule;
  const retryAfterSeconds =
    windowSeconds > 0
      ? wholeSeconds(verdict.retryMs)
      : kind === 'concurrent'
        ? 1
        : name.endsWith('/day')
          ? untilTomorrow(at)
          : undefined;
  return new BrokerError(CODE_OF[kind], {
    detail: `limit ${name} of the tool: ${max}${kind === 'budget' ? ' micros' : ''}`,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

function wholeSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}

function untilTomorrow(at: Date): number {
  return Math.ceil((86_400_000 - (at.getTime() % 86_400_000)) / 1000);
}
