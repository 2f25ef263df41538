import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../../../audit/audit-inbox.js';
import { Transactions, type Tx } from '../../../database/transaction.js';
import { systemCaller, type Caller } from '../../../kernel/caller.js';
import { Clock } from '../../../kernel/clock.js';
import { Ids } from '../../../kernel/ids.js';
import { LEASE_COLUMNS, LEASE_JOINS, leaseOf, subjectOf, type LeaseRow } from '../../../lease/lease-row.js';
import { Settings } from '../../../settings/schema.js';
import type { Use } from './lease-use.js';

const AT_ONCE = 200;
/** Clocks of two machines, and a login that was under way when the lease ended. */
const APART_MS = 5_000;
const WORDS: Readonly<Record<Exclude<Use, 'login' | 'login_refused'>, string>> = {
  handed_out: 'handed_out',
  vault_request: 'request',
  vault_denied: 'denied',
  unwrapped: 'unwrapped',
};

interface UntoldRow extends LeaseRow {
  readonly account: string | null;
  readonly what: Use;
  readonly place: string;
  readonly operation: string;
  readonly source: string;
  readonly untold: string;
  readonly first_at: Date;
  readonly last_at: Date;
  readonly via: string;
  readonly request: string;
}

/**
 * Records uses in the log, once their span of time is over: one event for each group, and a further one for what came
 * in late. The counts of the events add up to that of the lines.
 */
@Injectable()
export class TellUses {
  constructor(
    private readonly settings: Settings,
    private readonly audit: AuditInbox,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /** Tells what is due until nothing is; answers how many events that were. */
  async tell(signal: AbortSignal, progress: () => void = () => undefined): Promise<number> {
    const caller = systemCaller('vault-uses', this.ids.uuid());
    for (let total = 0; ;) {
      const told = await this.transactions.run((tx) => this.#some(tx, caller));
      total += told;
      progress();
      if (told < AT_ONCE || signal.aborted) return total;
    }
  }

  async #some(tx: Tx, caller: Caller): Promise<number> {
    const spanMs = this.settings.values.vaultAudit.groupSeconds * 1_000;
    const rows = await tx.query<UntoldRow[]>(
      `WITH due AS MATERIALIZED (
         SELECT u.lease_id, u.what, u.place, u.operation, u.source, u.span_start, u.count, u.count - u.told AS untold,
           u.first_at, u.last_at, u.via, u.request
         FROM lease_uses u WHERE u.told < u.count AND u.span_start <= $1 ORDER BY u.span_start LIMIT $2
         FOR UPDATE SKIP LOCKED
       ), told AS (
         UPDATE lease_uses u SET told = due.count FROM due
         WHERE (u.lease_id, u.what, u.place, u.operation, u.source, u.span_start)
             = (due.lease_id, due.what, due.place, due.operation, due.source, due.span_start)
       )
       SELECT ${LEASE_COLUMNS}, l.account, due.what, due.place, due.operation, due.source, due.untold, due.first_at,
         due.last_at, due.via, due.request
       FROM due JOIN leases l ON l.id = due.lease_id ${LEASE_JOINS} ORDER BY due.first_at`,
      [new Date(this.clock.now().getTime() - spanMs), AT_ONCE],
    );
    for (const row of rows) await this.#append(tx, caller, row);
    return rows.length;
  }

  async #append(tx: Tx, caller: Caller, row: UntoldRow): Promise<void> {
    const lease = leaseOf(row);
    const failed = row.what === 'vault_denied' || row.what === 'login_refused';
    const context = { caller, ...subjectOf(lease), outcome: failed ? 'failure' : 'success' } as const;
    const common = {
      source: row.source === '' ? undefined : row.source,
      count: Number(row.untold),
      first_at: row.first_at.toISOString(),
      last_at: row.last_at.toISOString(),
      after_end: lease.endedAt !== null && row.last_at.getTime() > lease.endedAt.getTime() + APART_MS,
      via: row.via,
    };
    if (row.what === 'login' || row.what === 'login_refused') {
      await this.audit.append(tx, 'account.connected', context, {
        result: row.what === 'login' ? 'connected' : 'refused',
        account: row.account ?? undefined,
        mount: lease.mount,
        database: row.place === '' ? undefined : row.place,
        ...common,
      });
      return;
    }
    await this.audit.append(tx, 'lease.used', context, {
      use: WORDS[row.what],
      path: row.place,
      operation: row.operation,
      vault_request: row.request === '' ? undefined : row.request,
      ...common,
    });
  }
}
