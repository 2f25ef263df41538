import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { ToolLimits } from '../tool/tool-spec.js';
import type { AdmissionRequest } from './admission-request.js';

/** What is counted: money, calls in a window, calls that are open, bytes in a window. */
export type LimitKind = 'budget' | 'calls' | 'concurrent' | 'bytes';

/** One limit of a tool, ready to be applied to its calls. */
export interface LimitRule {
  readonly kind: LimitKind;
  /** Such as `calls/run/60`. */
  readonly name: string;
  readonly max: number;
  /** Of the sliding window; 0 where there is none. */
  readonly windowSeconds: number;
  /** How long what it counts matters after the last call. */
  readonly keepSeconds: number;
  /** What it adds for this call. */
  amount(request: AdmissionRequest): number;
  /** What it counts by; the same text is the same count. `day` is that of UTC, such as `2026-11-21`. */
  counter(request: AdmissionRequest, day: string): string;
}

const DAY_SECONDS = 86_400;
/** Longer than any run lives. */
const RUN_SECONDS = 40 * DAY_SECONDS;
const FOR_EVER_SECONDS = 2_147_483_647;
/** Entries stay a little longer than they count, against clocks that differ. */
const MARGIN_SECONDS = 600;

const rules = new WeakMap<ToolLimits, readonly LimitRule[]>();

/** The limits of a tool in the order in which they refuse: money, rates, open calls, bytes. */
export function rulesOf(limits: ToolLimits): readonly LimitRule[] {
  const known = rules.get(limits);
  if (known !== undefined) return known;
  const made = tightest([
    ...limits.budgets.map(budgetRule),
    ...limits.calls.map(({ per, max, window_seconds }) => windowRule('calls', per, max, window_seconds)),
    ...limits.concurrent.map(({ per, max }) => concurrencyRule(per, max)),
    ...limits.bytes.map(({ per, max, window_seconds }) => windowRule('bytes', per, max, window_seconds)),
  ]);
  rules.set(limits, made);
  return made;
}

type Per = AdmissionRequest['limits']['calls'][number]['per'];

function budgetRule({ per, max_micros: max, window }: ToolLimits['budgets'][number]): LimitRule {
  const slice = (request: AdmissionRequest, day: string): string =>
    window === 'day' ? day : window === 'run' ? request.runRef : '';
  return {
    kind: 'budget',
    name: `budget/${per}/${window}`,
    max,
    windowSeconds: 0,
    keepSeconds:
      window === 'day' ? 3 * DAY_SECONDS : window === 'run' || per === 'run' ? RUN_SECONDS : FOR_EVER_SECONDS,
    amount: ({ reserveMicros }) => reserveMicros,
    counter: (request, day) =>
      `budget/${per}/${window}/${request.tool}/${scopeOf(per, request)}/${slice(request, day)}`,
  };
}

function windowRule(kind: 'calls' | 'bytes', per: Per, max: number, windowSeconds: number): LimitRule {
  return {
    kind,
    name: `${kind}/${per}/${windowSeconds}`,
    max,
    windowSeconds,
    keepSeconds: windowSeconds + MARGIN_SECONDS,
    amount: kind === 'calls' ? () => 1 : ({ requestBytes }) => requestBytes,
    // Windows of any length share one count.
    counter: (request) => `${kind}/${per}/${request.tool}/${scopeOf(per, request)}`,
  };
}

function concurrencyRule(per: Per, max: number): LimitRule {
  return {
    kind: 'concurrent',
    name: `concurrent/${per}`,
    max,
    windowSeconds: 0,
    keepSeconds: RUN_SECONDS,
    amount: () => 1,
    counter: (request) => `concurrent/${per}/${request.tool}/${scopeOf(per, request)}`,
  };
}

/** Of several limits on the same figure only the lowest matters. */
function tightest(all: readonly LimitRule[]): readonly LimitRule[] {
  const byName = new Map<string, LimitRule>();
  for (const rule of all) {
    const other = byName.get(rule.name);
    if (other === undefined || rule.max < other.max) byName.set(rule.name, rule);
  }
  return [...byName.values()];
}

function scopeOf(per: Per, { runRef, grantId, issuer, subject }: AdmissionRequest): string {
  switch (per) {
    case 'run':
      return runRef;
    case 'grant':
      return grantId;
    case 'workload':
      return `${issuer}#${subject}`;
    case 'tool':
      return '';
  }
}

const keys = new LRUCache<string, string>({ max: 20_000 });

/** The key of a counter in the database: a UUID made of its hash. */
export function keyOf(counter: string): string {
  let key = keys.get(counter);
  if (key === undefined) {
    key = createHash('sha256').update(counter).digest('hex').slice(0, 32);
    keys.set(counter, key);
  }
  return key;
}
