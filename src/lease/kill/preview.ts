import { Injectable } from '@nestjs/common';
import { Transactions } from '../../database/transaction.js';
import { conditionOf } from '../lease-selector.js';
import type { KillSelector } from './revocation.js';

/** What a kill would end. */
export interface KillPreview {
  readonly leases: number;
  readonly mounts: readonly { readonly mount: string; readonly leases: number }[];
  /** Open runs that have such leases, or that would end with the act. */
  readonly runs: number;
  /** Live leases of which the secret outlives the end. */
  readonly secretLivesOn: number;
}

/** Looks what a kill would end, and ends nothing. */
@Injectable()
export class KillPreviews {
  constructor(private readonly transactions: Transactions) {}

  /** Counts by mount. */
  async of(selector: KillSelector): Promise<KillPreview> {
    const { reads } = this.transactions;
    const { sql, value } = conditionOf(selector, '$1');
    const mounts = await reads.query<{ mount: string; leases: number; lives_on: number }[]>(
      `SELECT l.mount, count(*)::int AS leases, count(*) FILTER (WHERE NOT l.revocable)::int AS lives_on FROM leases l
       WHERE l.state IN ('issuing', 'active') AND ${sql} GROUP BY 1 ORDER BY 1`,
      [value],
    );
    const [runs] = await reads.query<{ count: number }[]>(
      `SELECT count(*)::int AS count FROM runs r WHERE r.state = 'open' AND ${runsOf(selector, sql)}`,
      [value],
    );
    return {
      leases: mounts.reduce((sum, { leases }) => sum + leases, 0),
      mounts: mounts.map(({ mount, leases }) => ({ mount, leases })),
      runs: runs?.count ?? 0,
      secretLivesOn: mounts.reduce((sum, each) => sum + each.lives_on, 0),
    };
  }
}

function runsOf(selector: KillSelector, leases: string): string {
  if ('runRef' in selector) return 'r.id = $1::uuid';
  if ('grantId' in selector) return 'r.grant_id = $1::uuid';
  if ('subject' in selector) return 'r.issuer = ($1::text[])[1] AND r.subject = ($1::text[])[2]';
  if ('issuer' in selector) return 'r.issuer = $1::text';
  return `EXISTS (SELECT 1 FROM leases l WHERE l.run_ref = r.id AND l.state IN ('issuing', 'active') AND ${leases})`;
}
