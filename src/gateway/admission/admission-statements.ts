import { Injectable } from '@nestjs/common';
import { hostname } from 'node:os';
import { prepared, type PreparedStatement } from '../../database/prepared.js';
import { Transactions } from '../../database/transaction.js';
import { Clock } from '../../kernel/clock.js';
import type { AdmissionRequest, Completion } from './admission-request.js';
import { packed, plainArray, textArray } from './array-literal.js';
import { LimitPlan } from './limit-plan.js';

const ADMIT: PreparedStatement = { name: 'gateway.admit', text: callOf('admit_calls', 31) };
const COMPLETE: PreparedStatement = { name: 'gateway.complete', text: callOf('complete_calls', 14) };

/** What the database decided on one call; `busy`: somebody is changing its grant, run or tool at this moment. */
export type Verdict =
  | { readonly kind: 'ok'; readonly used: readonly number[]; readonly resetMs: readonly number[] }
  | { readonly kind: 'run_closed' | 'grant_not_active' | 'grant_changed' | 'tool_changed' | 'busy' }
  | { readonly kind: 'limited'; readonly place: number; readonly used: number; readonly retryMs: number };

/** What the database decided on a group of calls. */
export interface GroupVerdict {
  readonly at: Date;
  readonly plan: LimitPlan;
  readonly verdicts: readonly Verdict[];
}

interface AdmitRow {
  readonly o_at: Date;
  readonly o_verdicts: readonly string[];
  readonly o_refused_by: readonly number[];
  readonly o_used: readonly (number | null)[] | null;
  readonly o_reset_ms: readonly number[] | null;
  readonly o_retry_ms: readonly (number | null)[] | null;
}

/** The two statements of the gateway: each takes a group of calls, and commits by itself. */
@Injectable()
export class AdmissionStatements {
  readonly #replica = `${hostname()}#${process.pid}`;

  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /**
   * Decides on calls in their order, and writes those that are let through. Windows slide by the clock of the
   * database, which is one for all replicas, unless a test says what time it is.
   */
  async admit(requests: readonly AdmissionRequest[], at?: Date): Promise<GroupVerdict> {
    const now = this.clock.now();
    const plan = new LimitPlan(requests, at ?? now);
    const leaves = packed(requests.map(({ event }) => event.leaf));
    const [row] = await prepared<AdmitRow>(this.transactions.reads, ADMIT, [
      now,
      at ?? null,
      this.#replica,
      distinctRows(requests),
      plainArray(requests.map(({ callId }) => callId)),
      plainArray(requests.map(({ runRef }) => runRef)),
      textArray(requests.map(({ stepId }) => stepId)),
      plainArray(requests.map(({ grantId }) => grantId)),
      plainArray(requests.map(({ grantVersion }) => grantVersion)),
      textArray(requests.map(({ tool }) => tool)),
      plainArray(requests.map(({ toolVersion }) => toolVersion)),
      plainArray(requests.map(({ deadline }) => deadline.toISOString())),
      plainArray(requests.map(({ requestBytes }) => requestBytes)),
      plainArray(requests.map(({ reserveMicros }) => reserveMicros)),
      textArray(plan.settles),
      plainArray(requests.map(({ event }) => event.id)),
      leaves.from,
      leaves.sizes,
      leaves.bytes,
      plainArray(plan.keys),
      plainArray(plan.kinds),
      textArray(plan.names),
      plainArray(plan.keepSeconds),
      plainArray(plan.slotKeys),
      plainArray(plan.slotWindows),
      plainArray(plan.limitFrom),
      plainArray(plan.limitCall),
      plainArray(plan.limitSlot),
      plainArray(plan.limitAmount),
      plainArray(plan.limitMax),
      plainArray(plan.limitCounts),
    ]);
    if (row === undefined) throw new Error('admit_calls answered nothing');
    return { at: row.o_at, plan, verdicts: requests.map((_, index) => verdictAt(row, plan, index)) };
  }

  /** Ends calls, each at most once in a group; answers for each whether it was open until then. */
  async complete(group: readonly Completion[], at?: Date): Promise<readonly boolean[]> {
    // Rows are locked in this order, so that a late end and whoever reconciles do not wait for each other.
    const completions = group.toSorted((a, b) => (a.callId < b.callId ? -1 : 1));
    const leaves = packed(completions.map(({ event }) => event.leaf));
    const [row] = await prepared<{ o_ended: readonly number[] | null }>(this.transactions.reads, COMPLETE, [
      at ?? null,
      plainArray(completions.map(({ callId }) => callId)),
      plainArray(completions.map(({ outcome }) => outcome)),
      plainArray(completions.map(({ code }) => code ?? null)),
      plainArray(completions.map(({ status }) => status ?? null)),
      plainArray(completions.map(({ endedAt }) => endedAt.toISOString())),
      plainArray(completions.map(({ requestBytes }) => requestBytes)),
      plainArray(completions.map(({ responseBytes }) => responseBytes)),
      plainArray(completions.map(({ costMicros }) => costMicros)),
      textArray(completions.map(({ units }) => JSON.stringify(units))),
      plainArray(completions.map(({ event }) => event.id)),
      leaves.from,
      leaves.sizes,
      leaves.bytes,
    ]);
    const ended = new Set(row?.o_ended?.map((place) => completions[place - 1]?.callId));
    return group.map(({ callId }) => ended.has(callId));
  }
}

function verdictAt(row: AdmitRow, plan: LimitPlan, index: number): Verdict {
  const verdict = row.o_verdicts[index];
  switch (verdict) {
    case 'ok': {
      const places = plan.rulesAt(index).map(({ place }) => place);
      return {
        kind: 'ok',
        used: places.map((place) => row.o_used?.[place - 1] ?? 0),
        resetMs: places.map((place) => row.o_reset_ms?.[(plan.limitSlot[place - 1] ?? 1) - 1] ?? 0),
      };
    }
    case 'limited': {
      const place = row.o_refused_by[index] ?? 0;
      const used = row.o_used?.[place - 1] ?? 0;
      return { kind: 'limited', place, used, retryMs: row.o_retry_ms?.[index] ?? 0 };
    }
    case 'run_closed':
    case 'grant_not_active':
    case 'grant_changed':
    case 'tool_changed':
    case 'busy':
      return { kind: verdict };
    default:
      throw new Error('admit_calls answered a verdict that is not known');
  }
}

function distinctRows(requests: readonly AdmissionRequest[]): number {
  const named = new Set<string>();
  for (const { grantId, runRef, tool } of requests) named.add(grantId).add(runRef).add(tool);
  return named.size;
}

function callOf(name: string, parameters: number): string {
  const places = Array.from({ length: parameters }, (_, index) => `$${index + 1}`);
  return `SELECT * FROM ${name}(${places.join(', ')})`;
}
