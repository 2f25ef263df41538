import { Injectable } from '@nestjs/common';
import type { CredentialKind } from '../credential/credential.js';
import { decodeCursor, pageOf, type Page } from '../database/page.js';
import { Transactions } from '../database/transaction.js';
import type { RunIdentity } from '../identity/run-token.js';
import { BrokerError } from '../kernel/broker-error.js';
import { isUuid } from '../kernel/ids.js';
import type { Lease, LeaseState } from './lease.js';
import { LEASE_COLUMNS, LEASE_JOINS, leaseOf, type LeaseRow } from './lease-row.js';

/** Of a lease called `l`; the words of the index of stuck leases. */
const STUCK = `l.stuck_since IS NOT NULL AND l.state IN ('revoking', 'orphaned')`;

/** What a list of leases is narrowed by. */
export interface LeaseFilters {
  readonly state?: LeaseState | undefined;
  /** Our id of the run, or the platform's. */
  readonly run?: string | undefined;
  /** Id or name of the grant. */
  readonly grant?: string | undefined;
  readonly credential?: string | undefined;
  readonly kind?: CredentialKind | undefined;
  /** Only those whose revocation is stuck, or none of them. */
  readonly stuck?: boolean | undefined;
}

/** Reads leases. */
@Injectable()
export class Leases {
  constructor(private readonly transactions: Transactions) {}

  /** One lease; refuses with `not_found`. */
  async get(id: string): Promise<Lease> {
    const lease = isUuid(id) ? (await this.read('l.id = $1', [id]))[0] : undefined;
    if (lease === undefined) throw new BrokerError('not_found');
    return lease;
  }

  /** One lease of the caller's own run; somebody else's is `not_found`, as if it did not exist. */
  async ofRun(identity: RunIdentity, id: string): Promise<Lease> {
    const own = isUuid(id) ? await this.read('l.id = $1 AND l.run_ref = $2', [id, identity.runRef]) : [];
    if (own[0] === undefined) throw new BrokerError('not_found');
    return own[0];
  }

  /** Leases, newest first. */
  async list(
    query: LeaseFilters & { readonly limit: number; readonly cursor?: string | undefined },
  ): Promise<Page<Lease>> {
    const conditions: string[] = ['true'];
    const values: unknown[] = [];
    const where = (column: string, value: unknown): void => {
      values.push(value);
      conditions.push(`${column} $${values.length}`);
    };
    if (query.state !== undefined) where('l.state =', query.state);
    if (query.kind !== undefined) where('l.kind =', query.kind);
    if (query.credential !== undefined) where('l.credential =', query.credential);
    if (query.run !== undefined) where(isUuid(query.run) ? 'l.run_ref =' : 'r.run_id =', query.run);
    if (query.grant !== undefined) where(isUuid(query.grant) ? 'l.grant_id =' : 'g.name =', query.grant);
    if (query.stuck !== undefined) conditions.push(query.stuck ? STUCK : `NOT (${STUCK})`);
    if (query.cursor !== undefined) where('l.id <', cursorId(query.cursor));
    values.push(query.limit + 1);
    const found = await this.read(
      `${conditions.join(' AND ')} ORDER BY l.id DESC LIMIT $${values.length}`,
      values,
    );
    return pageOf(found, query.limit, (lease) => [lease.id]);
  }

  private async read(condition: string, values: unknown[]): Promise<Lease[]> {
    const sql = `SELECT ${LEASE_COLUMNS} FROM leases l ${LEASE_JOINS} WHERE ${condition}`;
    const rows = await this.transactions.reads.query<LeaseRow[]>(sql, values);
    return rows.map(leaseOf);
  }
}

function cursorId(cursor: string): string {
  const [id] = decodeCursor(cursor, 1);
  if (typeof id !== 'string' || !isUuid(id)) {
    throw new BrokerError('request_invalid', { field: 'cursor', detail: 'is not a cursor of this list' });
  }
  return id;
}
