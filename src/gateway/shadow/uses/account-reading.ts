import { LRUCache } from 'lru-cache';
import type { Transactions } from '../../../database/transaction.js';
import { readPostgresLog, type PostgresLogin } from '../format/postgres-log.js';
import { isPlausible } from '../log-age.js';
import type { UseGroup } from './lease-use.js';
import { UseGroups } from './use-groups.js';

const MOST_PROCESSES = 10_000;
const AT_ONCE = 500;

/** Who reached each process of a server, as its log said last. Kept from batch to batch of one log. */
export class Arrivals {
  readonly #sources = new LRUCache<string, string>({ max: MOST_PROCESSES });

  note(process: string, source: string): void {
    this.#sources.set(process, source);
  }

  of(process: string | undefined): string | undefined {
    return process === undefined ? undefined : this.#sources.get(process);
  }
}

/** What a reading of a target's log goes by. */
export interface AccountParts {
  readonly transactions: Transactions;
  readonly arrivals: Arrivals;
  /** Only leases of this engine; of any unless given. */
  readonly mount: string | undefined;
  readonly now: Date;
  readonly spanMs: number;
}

/** Makes out logins of accounts of leases in lines of a PostgreSQL log. Other users' lines are passed over. */
export class AccountReading {
  readonly #groups: UseGroups;
  #waiting: PostgresLogin[] = [];
  readonly counts = { unreadable: 0, ours: 0 };

  constructor(private readonly parts: AccountParts) {
    this.#groups = new UseGroups(parts.spanMs);
  }

  async add(line: string): Promise<void> {
    const read = readPostgresLog(line);
    if (read === 'other') return;
    if (read === 'unreadable') {
      this.counts.unreadable += 1;
      return;
    }
    const { arrivals, now } = this.parts;
    if (!('user' in read)) return arrivals.note(read.process, read.source);
    if (!isPlausible(read.at, now)) {
      this.counts.unreadable += 1;
      return;
    }
    const source = read.source ?? arrivals.of(read.process);
    this.#waiting.push({ ...read, source });
    if (this.#waiting.length >= AT_ONCE) await this.finish();
  }

  /** Looks up the accounts that wait. Call it after the last line. */
  async finish(): Promise<readonly UseGroup[]> {
    const logins = this.#waiting;
    this.#waiting = [];
    const accounts = [...new Set(logins.map(({ user }) => user))];
    const rows =
      accounts.length === 0
        ? []
        : await this.parts.transactions.reads.query<{ id: string; account: string }[]>(
            'SELECT id, account FROM leases WHERE account = ANY($1) AND ($2::text IS NULL OR mount = $2)',
            [accounts, this.parts.mount ?? null],
          );
    const leases = new Map(rows.map(({ id, account }) => [account, id]));
    for (const { user, result, database = '', source = '', at } of logins) {
      const leaseId = leases.get(user);
      if (leaseId === undefined) continue;
      this.counts.ours += 1;
      const use = result === 'connected' ? 'login' : 'login_refused';
      this.#groups.add({ leaseId, use, place: database, operation: '', source, request: '', at });
    }
    return this.#groups.all();
  }
}
