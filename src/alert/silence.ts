import { z } from 'zod';
import type { Alert, Labels } from './alert.js';

/** Longest time for which anybody can keep an alert quiet. */
export const LONGEST_SILENCE_SECONDS = 2_592_000;

/** What a silence is about: `rule`, `severity` or a label of the alert, each with the value that it must have. */
export const matchersSchema = z
  .record(
    z.string().regex(/^[a-z_]+(\.[a-z_]+){0,3}$/, 'is neither rule, severity nor a label'),
    z.string().min(1).max(256),
  )
  .refine((matchers) => Object.keys(matchers).length >= 1, 'needs at least one matcher')
  .refine((matchers) => Object.keys(matchers).length <= 10, 'takes at most ten matchers');

/** Keeps alerts from being told for a while. They fire all the same, and what still does is told when it ends. */
export interface Silence {
  readonly id: string;
  readonly matchers: Labels;
  readonly comment: string;
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly until: Date;
  readonly endedAt: Date | null;
  readonly endedBy: string | null;
}

/** Whether all matchers of a silence hold for an alert; one without any matches nothing. */
export function silences(
  silence: Pick<Silence, 'matchers'>,
  alert: Pick<Alert, 'rule' | 'severity' | 'labels'>,
): boolean {
  const matchers = Object.entries(silence.matchers);
  return matchers.length > 0 && matchers.every(([name, value]) => valueOf(alert, name) === value);
}

function valueOf(
  { rule, severity, labels }: Pick<Alert, 'rule' | 'severity' | 'labels'>,
  name: string,
): string | undefined {
  if (name === 'rule') return rule;
  if (name === 'severity') return severity;
  return Object.hasOwn(labels, name) ? labels[name] : undefined;
}
