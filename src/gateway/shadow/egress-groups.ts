import type { EgressRecord, Evidence } from './egress-record.js';

/** Groups of one batch that are told apart; what comes after them is told apart by host alone. */
const MOST_GROUPS = 1_000;

/** What went around of one kind, to one host, from one place, on one day of UTC. */
export interface EgressGroup {
  /** Such as 2026-11-21. */
  readonly day: string;
  readonly host: string;
  readonly evidence: Evidence;
  readonly allowed: boolean;
  readonly source: string | undefined;
  /** Subject of a service account's tokens, or the user at a proxy. */
  readonly workload: string | undefined;
  readonly pod: string | undefined;
  readonly count: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
}

/** Gathers records by what they have in common; bounded, whatever a log says. */
export class EgressGroups {
  readonly #groups = new Map<string, { -readonly [K in keyof EgressGroup]: EgressGroup[K] }>();

  add(record: EgressRecord): void {
    const full = this.#groups.size >= MOST_GROUPS;
    const own = partsOf(record, false);
    const parts = full && !this.#groups.has(keyOf(own)) ? partsOf(record, true) : own;
    const key = keyOf(parts);
    const group = this.#groups.get(key);
    if (group === undefined) {
      this.#groups.set(key, { ...parts, count: record.count, firstAt: record.at, lastAt: record.at });
      return;
    }
    group.count += record.count;
    if (record.at < group.firstAt) group.firstAt = record.at;
    if (record.at > group.lastAt) group.lastAt = record.at;
  }

  /** All of them, in an order that the same records always have. */
  all(): readonly EgressGroup[] {
    return [...this.#groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
  }
}

type Parts = Omit<EgressGroup, 'count' | 'firstAt' | 'lastAt'>;

function partsOf(record: EgressRecord, byHostAlone: boolean): Parts {
  const [namespace, name] = record.serviceAccount?.split('/') ?? [];
  const subject = namespace === undefined ? record.user : `system:serviceaccount:${namespace}:${name}`;
  return {
    day: record.at.toISOString().slice(0, 10),
    host: record.host,
    evidence: record.evidence,
    allowed: record.allowed,
    source: byHostAlone ? undefined : record.source,
    workload: byHostAlone ? undefined : subject,
    pod: byHostAlone ? undefined : record.pod,
  };
}

function keyOf(parts: Parts): string {
  return JSON.stringify([
    parts.day,
    parts.host,
    parts.evidence,
    parts.allowed,
    parts.source ?? '',
    parts.workload ?? '',
    parts.pod ?? '',
  ]);
}
