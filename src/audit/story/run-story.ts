import { Injectable } from '@nestjs/common';
import { decodeCursor, encodeCursor } from '../../database/page.js';
import { Transactions } from '../../database/transaction.js';
import { BrokerError } from '../../kernel/broker-error.js';
import { isUuid } from '../../kernel/ids.js';
import { ENTRY_COLUMNS, reachClause, type AuditReach } from '../audit-reach.js';
import { HoldFollower } from '../held/hold-follower.js';
import { decisionsOn, versionName } from '../held/hold-context.js';
import type { GrantDecisionRecord } from '../held/hold.js';
import { readEvent, searchText } from '../stored-event.js';
import { actorText, chapterOf, sentenceOf, type Chapter } from './sentence.js';
import { storySums, type StoryAlert, type StorySums } from './story-sums.js';

const CATCH_UP_STEPS = 5;
/** Runs of one name that are told apart in a refusal. */
const MOST_NAMED = 10;

/** One event of a run, told. */
export interface StoryItem {
  readonly index: number;
  readonly time: string;
  readonly kind: string;
  readonly chapter: Chapter;
  readonly says: string;
  readonly actor: string;
  readonly event: Readonly<Record<string, unknown>>;
}

/** Whose run it was, and how it went. */
export interface StoryRun {
  readonly runRef: string;
  readonly runId: string | null;
  readonly workload: { readonly issuer: string | null; readonly subject: string | null };
  readonly claims: Readonly<Record<string, unknown>> | null;
  readonly grant: {
    readonly id: string | null;
    readonly name: string | null;
    readonly version: number | null;
    readonly decisions: readonly GrantDecisionRecord[];
  };
  readonly openedAt: Date | null;
  readonly endedAt: Date | null;
  /** `run.closed`, `run.revoked` or `run.expired`; null while it is open. */
  readonly ended: string | null;
  readonly endedBy: string | null;
}

/** A page of a run's story, in the order of the log. */
export interface Story {
  readonly run: StoryRun;
  /** Only with the first page. */
  readonly sums: StorySums | null;
  readonly alerts: readonly StoryAlert[];
  readonly items: readonly StoryItem[];
  readonly nextCursor: string | null;
}

interface RunRow {
  readonly run_ref: string;
  readonly run_id: string | null;
  readonly workload_issuer: string | null;
  readonly workload_subject: string | null;
  readonly grant_id: string | null;
  readonly grant_name: string | null;
  readonly grant_version: number | null;
  readonly claims: string | null;
  readonly opened_at: Date | null;
  readonly opened_idx: string | null;
  readonly ended_at: Date | null;
  readonly ended_kind: string | null;
  readonly ended_by: string | null;
}

/** Tells everything that the log says of a run. */
@Injectable()
export class RunStory {
  constructor(
    private readonly transactions: Transactions,
    private readonly follower: HoldFollower,
  ) {}

  /**
   * A page of the story of a run, by our id or by the platform's. Refuses with `not_found`, also where the reader may see
   * nothing of its grant, and with `request_invalid` where several runs have the name: it names their ids.
   */
  async page(
    name: string,
    reach: AuditReach,
    { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
  ): Promise<Story> {
    const after = cursor === undefined ? undefined : placeOf(cursor);
    if (after === undefined) await this.follower.catchUp(CATCH_UP_STEPS);
    const row = await this.#run(name, reach);
    const items = await this.#items(row, reach, after ?? -1, limit + 1);
    const shown = items.slice(0, limit);
    const last = shown.at(-1);
    const { reads } = this.transactions;
    const told = after === undefined ? await storySums(reads, row, reach) : { sums: null, alerts: [] };
    const decisions = await decisionsOn(reads, [row]);
    return {
      run: runOf(row, decisions.get(versionName(row)) ?? []),
      ...told,
      items: shown,
      nextCursor: items.length > limit && last !== undefined ? encodeCursor(['story', last.index]) : null,
    };
  }

  async #run(name: string, reach: AuditReach): Promise<RunRow> {
    const parameters: unknown[] = [isUuid(name) ? name : searchText(name)];
    const visible = reachClause(
      reach,
      { kind: `'run.opened'`, grantId: 'grant_id' },
      (value) => `$${parameters.push(value)}`,
    );
    const rows = await this.transactions.reads.query<RunRow[]>(
      `SELECT * FROM run_holders WHERE ${isUuid(name) ? 'run_ref = $1::uuid' : 'run_id = $1::text'} AND ${visible}
       ORDER BY opened_at DESC NULLS LAST LIMIT ${MOST_NAMED + 1}`,
      parameters,
    );
    const [row] = rows;
    if (row === undefined) throw new BrokerError('not_found', { detail: 'the log tells of no such run' });
    if (rows.length > 1) {
      const ids = rows.slice(0, MOST_NAMED).map(({ run_ref: ref }) => ref);
      throw new BrokerError('request_invalid', {
        field: 'run',
        detail: `is the name of several runs; take one of their ids, the latest first: ${ids.join(', ')}`,
      });
    }
    return row;
  }

  /** By our id, and by the platform's what could not know ours: an exchange that was refused. */
  async #items(row: RunRow, reach: AuditReach, after: number, limit: number): Promise<StoryItem[]> {
    const parameters: unknown[] = [row.run_ref, row.run_id, row.workload_subject, after, limit];
    const allowed = reachClause(reach, ENTRY_COLUMNS, (value) => `$${parameters.push(value)}`);
    const rows = await this.transactions.reads.query<{ idx: string; leaf: Buffer }[]>(
      `SELECT idx, leaf FROM (
         (SELECT idx, leaf FROM audit_entry
          WHERE run_ref = $1::uuid AND idx > $4::bigint AND ${allowed} ORDER BY idx LIMIT $5)
         UNION ALL
         (SELECT idx, leaf FROM audit_entry
          WHERE run_id = $2::text AND run_ref IS NULL AND (workload_subject IS NULL OR workload_subject = $3::text)
            AND idx > $4::bigint AND ${allowed} ORDER BY idx LIMIT $5)
       ) story ORDER BY idx LIMIT $5`,
      parameters,
    );
    return rows.map(({ idx, leaf }) => itemOf(Number(idx), readEvent(leaf) ?? {}));
  }
}

function itemOf(index: number, event: Readonly<Record<string, unknown>>): StoryItem {
  const kind = typeof event['kind'] === 'string' ? event['kind'] : 'unreadable';
  return {
    index,
    time: typeof event['time'] === 'string' ? event['time'] : '',
    kind,
    chapter: chapterOf(kind),
    says: sentenceOf(event),
    actor: actorText(event),
    event,
  };
}

function runOf(row: RunRow, decisions: readonly GrantDecisionRecord[]): StoryRun {
  return {
    runRef: row.run_ref,
    runId: row.run_id,
    workload: { issuer: row.workload_issuer, subject: row.workload_subject },
    claims: row.claims === null ? null : (JSON.parse(row.claims) as Readonly<Record<string, unknown>>),
    grant: { id: row.grant_id, name: row.grant_name, version: row.grant_version, decisions },
    openedAt: row.opened_at,
    endedAt: row.ended_at,
    ended: row.ended_kind,
    endedBy: row.ended_by,
  };
}

function placeOf(cursor: string): number {
  const [list, index] = decodeCursor(cursor, 2);
  if (list === 'story' && typeof index === 'number' && Number.isSafeInteger(index)) return index;
  throw new BrokerError('request_invalid', { field: 'cursor', detail: 'is not a cursor of this list' });
}
