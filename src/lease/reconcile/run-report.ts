import type { Pace } from './pace.js';
import {
  FINDING_KINDS,
  NOTHING_SEEN,
  type Finding,
  type FindingKind,
  type Summary,
} from './reconciliation.js';

/** What a comparison may do about what it finds. */
export type Mode =
  /** Nothing. */
  | 'look'
  /** What each finding calls for, when they are few; nothing at all when they are many. */
  | 'guarded'
  /** What each finding calls for, at once: somebody has looked and asked for it. */
  | 'act';

/** A difference between the books, and how it would be settled. */
export interface Proposal {
  readonly finding: Omit<Finding, 'action'>;
  /** Answers false when there was nothing to settle any more; fails as Vault and the database do. */
  act(): Promise<boolean>;
}

/** Where a report is kept while it grows. Fails with {@link NoLongerRunning} when somebody has ended it. */
export interface ReportStore {
  save(summary: Summary, findings: readonly Finding[]): Promise<void>;
}

/** The reconciliation was ended, or taken over, while it ran. */
export class NoLongerRunning extends Error {}

/** Of one kind, so many are listed; all are counted. */
const LISTED = 1_000;
const SAVE_AFTER = 200;

/** Gathers what one comparison sees, settles what it may, and keeps memory and the report within bounds. */
export class RunReport {
  readonly #counts: Record<FindingKind, number> = { ...NOTHING_SEEN.counts };
  readonly #lookedAt = { ...NOTHING_SEEN.lookedAt };
  readonly #notLookedAt: Summary['notLookedAt'][number][] = [];
  #skewMs: Summary['skewMs'] = NOTHING_SEEN.skewMs;
  #acted = 0;
  #held = false;
  #unsaved: Finding[] = [];
  #pending: Proposal[] = [];

  constructor(
    readonly mode: Mode,
    readonly startedAt: Date,
    readonly pace: Pace,
    readonly signal: AbortSignal,
    private readonly store: ReportStore,
    private readonly holdAbove: number,
  ) {}

  /** Whether there is too much for anything to be settled by itself. */
  get tooMany(): boolean {
    return this.#held;
  }

  get summary(): Summary {
    return {
      counts: { ...this.#counts },
      acted: this.#acted,
      lookedAt: { ...this.#lookedAt },
      notLookedAt: [...this.#notLookedAt],
      skewMs: this.#skewMs,
      held: this.#held,
    };
  }

  saw(what: keyof Summary['lookedAt'], count: number): void {
    this.#lookedAt[what] += count;
  }

  didNotLookAt(what: string, why: string): void {
    this.#notLookedAt.push({ what, why });
  }

  clocks(skewMs: Summary['skewMs']): void {
    this.#skewMs = skewMs;
  }

  /** Notes what is somebody else's to settle, or was settled already. */
  async add(finding: Finding): Promise<void> {
    this.#counts[finding.kind] += 1;
    if (this.#counts[finding.kind] <= LISTED) this.#unsaved.push(finding);
    if (this.#unsaved.length >= SAVE_AFTER) await this.save();
  }

  /** Notes a difference; settles it now, at the end, or not at all, as the mode says. */
  async propose(proposal: Proposal): Promise<void> {
    if (this.mode === 'act') return this.settle(proposal);
    if (this.mode === 'look' || this.#held) return this.add({ ...proposal.finding, action: 'none' });
    this.#pending.push(proposal);
    if (this.#pending.length <= this.holdAbove) return;
    this.#held = true;
    for (const { finding } of this.#pending.splice(0)) await this.add({ ...finding, action: 'none' });
  }

  /** Settles what waited; call it when everything was looked at. */
  async finish(): Promise<void> {
    for (const proposal of this.#pending.splice(0)) await this.settle(proposal);
    await this.save();
  }

  /** Writes what has been gathered; throws when the run is to end. */
  async save(): Promise<void> {
    this.signal.throwIfAborted();
    await this.store.save(this.summary, this.#unsaved.splice(0));
  }

  private async settle(proposal: Proposal): Promise<void> {
    this.signal.throwIfAborted();
    const { finding } = proposal;
    try {
      if (!(await proposal.act())) return;
      this.#acted += 1;
      await this.add({ ...finding, action: 'done' });
    } catch (error) {
      if (this.signal.aborted || error instanceof NoLongerRunning) throw error;
      await this.add({ ...finding, action: 'failed' });
    }
  }
}

/** Counts as events have them. */
export function countFields(summary: Summary): Record<FindingKind, number> {
  return Object.fromEntries(FINDING_KINDS.map((kind) => [kind, summary.counts[kind]])) as Record<
    FindingKind,
    number
  >;
}
