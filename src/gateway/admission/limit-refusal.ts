import { BrokerError } from '../../kernel/broker-error.js';
import type { LimitState } from './admission-request.js';
import type { GroupVerdict, Verdict } from './admission-statements.js';
import type { LimitKind, LimitRule } from './limit-rule.js';

const CODE_OF = {
  budget: 'budget_exhausted',
  calls: 'rate_limited',
  concurrent: 'concurrency_limited',
  bytes: 'bytes_limited',
} as const satisfies Record<LimitKind, string>;

const DAY_MS = 86_400_000;

/** A call that a limit did not let through; says how the limit stands, for `RateLimit` headers. */
export class LimitRefusal extends BrokerError {
  constructor(
    rule: LimitRule,
    readonly limits: readonly LimitState[],
    retryAfterSeconds: number | undefined,
  ) {
    super(CODE_OF[rule.kind], {
      detail: `limit ${rule.name} of the tool: ${rule.max}${rule.kind === 'budget' ? ' micros' : ''}`,
      ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
    });
  }

  /** The refusal that a verdict is. */
  static of({ plan, at }: GroupVerdict, verdict: Extract<Verdict, { kind: 'limited' }>): LimitRefusal {
    const rule = plan.ruleOf(verdict.place);
    if (rule === undefined) throw new Error('admit_calls refused by a limit that it was not given');
    return new LimitRefusal(
      rule,
      [stateOf(rule, verdict.used, verdict.retryMs)],
      retryAfter(rule, verdict.retryMs, at),
    );
  }
}

/** A limit, when so much of it is used and more is free after so long. */
export function stateOf(rule: LimitRule, used: number, resetMs: number): LimitState {
  return {
    name: rule.name,
    limit: rule.max,
    remaining: Math.max(0, rule.max - used),
    resetSeconds: rule.windowSeconds === 0 ? 0 : wholeSeconds(resetMs),
    windowSeconds: rule.windowSeconds,
  };
}

/** Undefined where waiting does not help: money of a run or grant does not come back. */
function retryAfter(rule: LimitRule, retryMs: number, at: Date): number | undefined {
  if (rule.windowSeconds > 0) return wholeSeconds(retryMs);
  if (rule.kind === 'concurrent') return 1;
  return rule.name.endsWith('/day') ? wholeSeconds(DAY_MS - (at.getTime() % DAY_MS)) : undefined;
}

function wholeSeconds(ms: number): number {
  return Math.max(1, Math.ceil(ms / 1000));
}
