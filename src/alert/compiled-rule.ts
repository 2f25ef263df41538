import { createHash } from 'node:crypto';
import { canonicalJson } from '../audit/canonical-json.js';
import { compileCel, withinBounds, type CelCondition } from '../grant/cel.js';
import type { Labels, Sample } from './alert.js';
import { kindsOf, type AlertRule } from './rule.js';

const MAX_LABEL_CHARS = 256;

/** An event as the log has it. */
export type LoggedEvent = Readonly<Record<string, unknown>>;

/** How an event and a rule go together; an `error` says that the rule's expression could not be evaluated. */
export interface Match {
  readonly matched: boolean;
  readonly error?: string;
}

/** A rule that is ready to be held against events. */
export class CompiledRule {
  readonly kinds: ReadonlySet<string>;
  readonly #outcomes: ReadonlySet<string> | undefined;
  readonly #codes: ReadonlySet<string> | undefined;
  readonly #condition: CelCondition | undefined;

  private constructor(readonly rule: AlertRule) {
    const { kinds, outcomes, codes, cel } = rule.when;
    this.kinds = new Set(kinds.flatMap(kindsOf));
    this.#outcomes = outcomes && new Set(outcomes);
    this.#codes = codes && new Set(codes);
    this.#condition = cel === undefined ? undefined : compileCel(cel, 'event');
  }

  /** Throws a `TypeError` that says what is wrong with the rule's expression. */
  static of(rule: AlertRule): CompiledRule {
    return new CompiledRule(rule);
  }

  /** Whether an event is one that the rule is about. */
  match(event: LoggedEvent): Match {
    if (!this.rule.enabled || !this.kinds.has(textOf(event['kind']))) return { matched: false };
    if (this.#outcomes?.has(textOf(event['outcome'])) === false) return { matched: false };
    if (this.#codes?.has(textOf(event['code'])) === false) return { matched: false };
    if (this.#condition === undefined) return { matched: true };
    // Whoever can put long texts into an event must not be able to keep an alert from being raised with them.
    if (!withinBounds(event)) return { matched: true, error: 'the event is too large to be evaluated' };
    return this.#condition.evaluate(event);
  }

  /** The labels of an event's group: what is absent is absent, what is long is clipped. */
  labelsOf(event: LoggedEvent): Labels {
    const labels: Record<string, string> = {};
    for (const path of this.rule.group_by) {
      const value = memberAt(event, path.split('.'));
      if (value !== undefined) labels[path] = value.slice(0, MAX_LABEL_CHARS);
    }
    return labels;
  }
}

/** Under which key a group's alert is found. */
export function groupKey(labels: Labels): string {
  return createHash('sha256').update(canonicalJson(labels)).digest('hex');
}

/** What an alert keeps of an event. */
export function sampleOf(index: number, event: LoggedEvent): Sample {
  const optional = {
    code: memberAt(event, ['code']),
    reference: memberAt(event, ['request_id']),
    run_id: memberAt(event, ['run', 'run_id']),
    step_id: memberAt(event, ['step_id']),
    grant: memberAt(event, ['grant', 'name']) ?? memberAt(event, ['grant', 'id']),
    credential: memberAt(event, ['credential']),
    tool: memberAt(event, ['tool', 'name']),
  };
  const present = Object.entries(optional).filter(([, value]) => value !== undefined);
  return {
    index,
    event_id: textOf(event['id']),
    time: textOf(event['time']),
    kind: textOf(event['kind']),
    outcome: textOf(event['outcome']),
    ...Object.fromEntries(present.map(([name, value]) => [name, value?.slice(0, MAX_LABEL_CHARS)])),
  };
}

function memberAt(event: LoggedEvent, path: readonly string[]): string | undefined {
  let value: unknown = event;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  if (typeof value === 'string') return value === '' ? undefined : value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return value === undefined || value === null ? undefined : JSON.stringify(value);
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
