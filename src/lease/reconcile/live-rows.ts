import { Injectable } from '@nestjs/common';
import { Transactions } from '../../database/transaction.js';
import type { Settings } from '../../settings/schema.js';
import { NOT_ENDED } from '../lease-row.js';
import type { LeaseState } from '../lease.js';
import type { Window } from './time-windows.js';

const PAGE = 1_000;
const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

/** A lease that has not ended, as far as it is compared. */
export interface LiveRow {
  readonly id: string;
  readonly state: LeaseState;
  readonly accessor: string;
  readonly vault_lease_id: string | null;
  readonly requested_at: Date;
  readonly issued_at: Date | null;
  readonly expires_at: Date;
}

/** Reads leases that have not ended, page by page. */
@Injectable()
export class LiveRows {
  constructor(private readonly transactions: Transactions) {}

  /** Pages of the leases of a credential, in the order of their ids. */
  async *pages(credential: string): AsyncGenerator<readonly LiveRow[], void, undefined> {
    let after = BEFORE_ALL;
    for (;;) {
      const rows = await this.transactions.reads.query<LiveRow[]>(
        `SELECT id, state, accessor, vault_lease_id, requested_at, issued_at, expires_at FROM leases
         WHERE credential = $1 AND ${NOT_ENDED} AND id > $2 ORDER BY id LIMIT ${PAGE}`,
        [credential, after],
      );
      if (rows.length > 0) yield rows;
      const last = rows.at(-1);
      if (last === undefined || rows.length < PAGE) return;
      after = last.id;
    }
  }

  /** When a lease expires that is `active` now; undefined where it is not, or not any more. */
  async activeUntil(id: string): Promise<Date | undefined> {
    const [row] = await this.transactions.reads.query<Pick<LiveRow, 'expires_at'>[]>(
      `SELECT expires_at FROM leases WHERE id = $1 AND state = 'active'`,
      [id],
    );
    return row?.expires_at;
  }

  /**
   * Of these values, those that a lease has which has not ended, or ended since a moment: what was listed before may
   * have come to its end in order.
   */
  async knownOf(
    column: 'vault_lease_id' | 'accessor',
    values: readonly string[],
    since: Date,
  ): Promise<ReadonlySet<string>> {
    const rows = await this.transactions.reads.query<{ value: string }[]>(
      `SELECT ${column} AS value FROM leases WHERE ${column} = ANY($1::text[]) AND (${NOT_ENDED} OR ended_at >= $2)`,
      [values, since],
    );
    return new Set(rows.map(({ value }) => value));
  }

  /** Of these names of users, those that a lease of these credentials has which has not ended, or ended since. */
  async knownAccounts(
    credentials: readonly string[],
    accounts: readonly string[],
    since: Date,
  ): Promise<ReadonlySet<string>> {
    const live = await this.transactions.reads.query<{ account: string }[]>(
      `SELECT account FROM leases WHERE credential = ANY($1::text[]) AND ${NOT_ENDED} AND account = ANY($2::text[])`,
      [credentials, accounts],
    );
    const ended = await this.transactions.reads.query<{ account: string }[]>(
      `SELECT account FROM leases WHERE state IN ('revoked', 'expired') AND ended_at >= $1 AND account = ANY($2::text[])`,
      [since, accounts],
    );
    return new Set([...live, ...ended].map(({ account }) => account));
  }

  /** When the credentials were made whose users no row names: wrapped ones, and those that are being issued. */
  async namelessWindows(credentials: readonly string[], slackMs: number): Promise<readonly Window[]> {
    const rows = await this.transactions.reads.query<Pick<LiveRow, 'requested_at' | 'issued_at'>[]>(
      `SELECT requested_at, issued_at FROM leases WHERE credential = ANY($1::text[]) AND ${NOT_ENDED} AND account IS NULL`,
      [credentials],
    );
    return rows.map((row) => windowOf(row, slackMs));
  }
}

/**
 * When the credential of a row was made: between what was on disk before and after it. Of one that never got so far
 * as `active`, the broker may be frozen and make it yet.
 */
export function windowOf(row: Pick<LiveRow, 'requested_at' | 'issued_at'>, slackMs: number): Window {
  return {
    fromMs: row.requested_at.getTime() - slackMs,
    toMs: row.issued_at === null ? Infinity : row.issued_at.getTime() + slackMs,
  };
}

/**
 * How far from a row's own times its credential may have been made: as long as issuing may take, and by as much as
 * Vault's clock is off now, since the replica that wrote the row may have had another.
 */
export function slackOf(settings: Settings, vaultAheadMs: number): number {
  return settings.values.leases.issuingBoundSeconds * 1_000 + Math.abs(vaultAheadMs);
}
