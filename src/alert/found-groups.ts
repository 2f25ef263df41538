import type { AuditRecord } from '../audit/audit-query.js';
import type { Labels, Sample } from './alert.js';
import { SAMPLES, type FoundEvents } from './alert-rows.js';
import { groupKey, sampleOf, type CompiledRule } from './compiled-rule.js';

interface Growing {
  readonly rule: CompiledRule;
  readonly labels: Labels;
  readonly times: Date[];
  readonly samples: Sample[];
  count: number;
  firstIndex: number;
  lastIndex: number;
}

/** The label of the group that takes what comes when a rule has too many groups already. */
export const OVERFLOW: Labels = { overflow: 'true' };

/**
 * What the rules find in a stretch of the log, gathered by group. `complain` hears of expressions that could not be
 * evaluated.
 */
export function findGroups(
  rules: readonly CompiledRule[],
  records: readonly AuditRecord[],
  nowOf: (record: AuditRecord) => Date,
  complain: (rule: string, error: string) => void,
): FoundEvents[] {
  const groups = new Map<string, Growing>();
  for (const record of records) {
    for (const rule of rules) {
      const { matched, error } = rule.match(record.event);
      if (error !== undefined) complain(rule.rule.name, error);
      if (matched) add(groups, rule, record, nowOf(record));
    }
  }
  return [...groups.values()].map(foundOf);
}

function add(groups: Map<string, Growing>, rule: CompiledRule, record: AuditRecord, at: Date): void {
  const labels = rule.labelsOf(record.event);
  const key = `${rule.rule.name} ${groupKey(labels)}`;
  const group = groups.get(key);
  const sample = sampleOf(record.index, record.event);
  if (group === undefined) {
    const { index } = record;
    groups.set(key, {
      rule,
      labels,
      times: [at, at],
      samples: [sample],
      count: 1,
      firstIndex: index,
      lastIndex: index,
    });
    return;
  }
  group.count += 1;
  group.lastIndex = record.index;
  const [first = at, last = at] = group.times;
  group.times.splice(0, 2, at < first ? at : first, at > last ? at : last);
  group.samples.push(sample);
  if (group.samples.length > SAMPLES) group.samples.shift();
}

function foundOf({ rule: { rule }, labels, times, samples, ...counted }: Growing): FoundEvents {
  const [firstAt, lastAt] = times as [Date, Date];
  return {
    rule: rule.name,
    severity: rule.severity,
    summary: rule.summary,
    key: groupKey(labels),
    labels,
    ...counted,
    firstAt,
    lastAt,
    samples,
    groupWaitSeconds: rule.group_wait_seconds,
    repeatSeconds: rule.repeat_seconds,
  };
}

/** The same events as part of the rule's overflow. */
export function overflowing(found: FoundEvents): FoundEvents {
  return { ...found, labels: OVERFLOW, key: groupKey(OVERFLOW) };
}
