import { Injectable } from '@nestjs/common';
import { decodeCursor, pageOf, type Page } from '../../database/page.js';
import { Transactions } from '../../database/transaction.js';
import { BrokerError } from '../../kernel/broker-error.js';
import { isUuid } from '../../kernel/ids.js';
import { AuditInbox } from '../audit-inbox.js';
import type { AuditReach } from '../audit-reach.js';
import {
  decisionsOn,
  usesComplete,
  usesOf,
  versionName,
  type UsedHold,
  type VersionKey,
} from './hold-context.js';
import { HoldFollower } from './hold-follower.js';
import { holdSearch, type HoldPlace } from './hold-search.js';
import type { GrantDecisionRecord, Hold, HoldFilters, HoldUse } from './hold.js';

/** Stretches of the log that are read before an answer; what lags further behind is told by `completeTo`. */
const CATCH_UP_STEPS = 5;

interface HoldRow extends UsedHold, VersionKey {
  readonly kind: string | null;
  readonly mount: string | null;
  readonly run_id: string | null;
  readonly step_id: string | null;
  readonly grant_name: string | null;
  readonly workload_issuer: string | null;
  readonly workload_subject: string | null;
  readonly issued_at: Date | null;
  readonly expires_at: Date | null;
  readonly end_state: string | null;
  readonly end_cause: string | null;
  readonly proof: string | null;
  readonly secret_lives_on: boolean;
  readonly first_idx: string;
  readonly issued_idx: string | null;
  readonly ended_idx: string | null;
  readonly place: string;
}

/** A page of holds, and how much of the log it is told from. */
export interface HeldPage extends Page<Hold> {
  /** Every entry below this index was looked at. */
  readonly completeTo: number;
}

/** Answers who held a credential, as the log says. */
@Injectable()
export class WhoHeld {
  constructor(
    private readonly transactions: Transactions,
    private readonly inbox: AuditInbox,
    private readonly follower: HoldFollower,
  ) {}

  /** Holds that fit, the latest first. Refuses with `request_invalid`. */
  async list(
    filters: HoldFilters,
    reach: AuditReach,
    page: { readonly limit: number; readonly cursor?: string | undefined },
  ): Promise<HeldPage> {
    const after = page.cursor === undefined ? undefined : placeOf(page.cursor);
    const search = holdSearch(filters, reach, { limit: page.limit + 1, after }, (value) =>
      this.inbox.hmac(value),
    );
    const completeTo = await this.follower.catchUp(CATCH_UP_STEPS);
    const { reads } = this.transactions;
    // As text, and to the microsecond: a cursor that is rounded would skip or repeat.
    const rows = await reads.query<HoldRow[]>(
      `SELECT h.*, to_char(h.held_from AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS place FROM (${search.sql}) h
       ORDER BY h.held_from DESC, h.lease_id DESC`,
      [...search.parameters],
    );
    const { items, nextCursor } = pageOf(rows, page.limit, (row) => [row.place, row.lease_id]);
    if (items.length === 0) return { items: [], nextCursor, completeTo };
    const [decisions, uses, claims] = await Promise.all([
      decisionsOn(reads, items),
      usesOf(reads, items, reach),
      this.#claims(items),
    ]);
    const holds = items.map((row) =>
      holdOf(
        row,
        decisions.get(versionName(row)) ?? [],
        uses.get(row.lease_id) ?? [],
        claims.get(row.run_ref ?? '') ?? null,
      ),
    );
    return { items: holds, nextCursor, completeTo };
  }

  async #claims(rows: readonly HoldRow[]): Promise<ReadonlyMap<string, string>> {
    const found = await this.transactions.reads.query<{ run_ref: string; claims: string }[]>(
      'SELECT run_ref, claims FROM run_holders WHERE run_ref = ANY($1::uuid[]) AND claims IS NOT NULL',
      [rows.map(({ run_ref: ref }) => ref)],
    );
    return new Map(found.map(({ run_ref: ref, claims }) => [ref, claims]));
  }
}

function holdOf(
  row: HoldRow,
  decisions: readonly GrantDecisionRecord[],
  uses: readonly HoldUse[],
  claims: string | null,
): Hold {
  return {
    leaseId: row.lease_id,
    credential: row.credential,
    kind: row.kind,
    mount: row.mount,
    delivery: row.delivery,
    runRef: row.run_ref,
    runId: row.run_id,
    stepId: row.step_id,
    workload: { issuer: row.workload_issuer, subject: row.workload_subject },
    claims: claims === null ? null : (JSON.parse(claims) as Readonly<Record<string, unknown>>),
    grant: {
      id: row.grant_id,
      name: row.grant_name,
      version: row.grant_version,
      approvedBy: decisions.findLast(({ kind }) => kind === 'grant.approved')?.subject ?? null,
      decisions,
    },
    from: row.held_from,
    issuedAt: row.issued_at,
    to: row.held_to,
    expiresAt: row.expires_at,
    state: row.end_state,
    cause: row.end_cause,
    proof: row.proof,
    secretLivesOn: row.secret_lives_on,
    indexes: { first: Number(row.first_idx), issued: indexOf(row.issued_idx), ended: indexOf(row.ended_idx) },
    uses,
    usesComplete: usesComplete(uses),
  };
}

function indexOf(index: string | null): number | null {
  return index === null ? null : Number(index);
}

function placeOf(cursor: string): HoldPlace {
  const [from, leaseId] = decodeCursor(cursor, 2);
  const valid =
    typeof from === 'string' &&
    typeof leaseId === 'string' &&
    isUuid(leaseId) &&
    !Number.isNaN(Date.parse(from));
  if (!valid)
    throw new BrokerError('request_invalid', { field: 'cursor', detail: 'is not a cursor of this list' });
  return { from, leaseId };
}
