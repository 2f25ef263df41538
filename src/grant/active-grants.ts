import { Injectable } from '@nestjs/common';
import { setTimeout as pause } from 'node:timers/promises';
import { Clock } from '../kernel/clock.js';
import { Log } from '../kernel/log.js';
import { safeErrorFields } from '../kernel/safe-error.js';
import { Transactions } from '../database/transaction.js';
import { compileGrant, type CompiledGrant } from './compiled-grant.js';
import type { Grant } from './grant.js';
import { GrantReview } from './grant-review.js';
import { selectGrants } from './grant-rows.js';

const STALE_AFTER_MS = 1_000;
/** Between two reads of an issuer's grants that refusals ask for; those that come together wait for one. */
const AFRESH_EVERY_MS = 200;

interface Entry {
  readonly loadedAtMs: number;
  readonly grants: Promise<readonly CompiledGrant[]>;
}

/** Grants as they were at a moment. */
export interface ActiveAt {
  readonly grants: readonly CompiledGrant[];
  /** Of the monotonic clock: what was changed before it is in them. */
  readonly readAtMs: number;
}

/**
 * The active grants of each issuer, compiled, at most a second old. Good enough to decide by, since whoever acts on a
 * decision looks at the grant's row again under a lock; and a replica sees its own changes at once.
 */
@Injectable()
export class ActiveGrants {
  readonly #byIssuer = new Map<string, Entry>();
  readonly #afresh = new Map<string, Promise<Entry>>();
  /** Compiled versions, which never change; by id and version. */
  readonly #compiled = new Map<string, CompiledGrant | undefined>();

  constructor(
    private readonly transactions: Transactions,
    private readonly review: GrantReview,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** Grants that are active for tokens of this issuer. Callers that come together share one query. */
  async of(issuerName: string): Promise<ActiveAt> {
    const entry = this.#byIssuer.get(issuerName);
    const fresh = entry !== undefined && this.clock.monotonicMs() - entry.loadedAtMs < STALE_AFTER_MS;
    return readOf(fresh ? entry : this.read(issuerName));
  }

  /**
   * The same, read at this moment (of the monotonic clock) or later: for whoever would refuse by what was read before
   * he was asked, such as a worker that comes right after its grant was made on another replica. An issuer's grants are
   * read for this five times a second at most, however many are refused: so it may take that long.
   */
  async since(issuerName: string, momentMs: number): Promise<ActiveAt> {
    const entry = this.#byIssuer.get(issuerName);
    if (entry !== undefined && entry.loadedAtMs >= momentMs) return readOf(entry);
    // One that waits for its turn reads after everybody who waits with it began to.
    let turn = this.#afresh.get(issuerName);
    if (turn === undefined) {
      turn = this.inTurn(issuerName, entry).finally(() => this.#afresh.delete(issuerName));
      this.#afresh.set(issuerName, turn);
    }
    return readOf(await turn);
  }

  private async inTurn(issuerName: string, last: Entry | undefined): Promise<Entry> {
    const leftMs = last === undefined ? 0 : last.loadedAtMs + AFRESH_EVERY_MS - this.clock.monotonicMs();
    // Never more than the gap, also where a clock was set.
    if (leftMs > 0) await pause(Math.min(leftMs, AFRESH_EVERY_MS));
    return this.read(issuerName);
  }

  private read(issuerName: string): Entry {
    const loading = { loadedAtMs: this.clock.monotonicMs(), grants: this.load(issuerName) };
    this.#byIssuer.set(issuerName, loading);
    // A failed load must not be the answer for a whole second.
    loading.grants.catch(() => {
      if (this.#byIssuer.get(issuerName) === loading) this.#byIssuer.delete(issuerName);
    });
    return loading;
  }

  /** Forgets what was read; the next decision reads again. */
  forget(): void {
    this.#byIssuer.clear();
  }

  private async load(issuerName: string): Promise<readonly CompiledGrant[]> {
    const { reads } = this.transactions;
    const stored = await selectGrants(reads, "WHERE g.issuer = $1 AND g.state = 'active' ORDER BY g.name", [
      issuerName,
    ]);
    const grants = await this.review.warned(reads, stored);
    const compiled = grants.map((grant) => this.compile(grant)).filter((each) => each !== undefined);
    this.prune(issuerName, compiled);
    return compiled;
  }

  /** A grant that an older version of the software saved and this one cannot compile matches nothing, and is named in the log. */
  private compile(grant: Grant): CompiledGrant | undefined {
    const key = `${grant.id}/${grant.version}`;
    if (!this.#compiled.has(key)) {
      try {
        this.#compiled.set(key, compileGrant(grant));
      } catch (error) {
        this.#compiled.set(key, undefined);
        this.log.error(
          { grant: grant.name, version: grant.version, ...safeErrorFields(error) },
          'the grant does not compile',
        );
      }
    }
    const compiled = this.#compiled.get(key);
    return compiled && { grant, conditions: compiled.conditions };
  }

  /** Drops compiled versions of the issuer that are not current any more, so that memory follows what is active. */
  private prune(issuerName: string, current: readonly CompiledGrant[]): void {
    const kept = new Set(current.map(({ grant }) => `${grant.id}/${grant.version}`));
    for (const [key, compiled] of this.#compiled)
      if (compiled?.grant.spec.issuer === issuerName && !kept.has(key)) this.#compiled.delete(key);
  }
}

async function readOf({ grants, loadedAtMs }: Entry): Promise<ActiveAt> {
  return { grants: await grants, readAtMs: loadedAtMs };
}
