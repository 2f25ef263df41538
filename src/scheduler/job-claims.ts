import { Injectable } from '@nestjs/common';
import { hostname } from 'node:os';
import { Transactions } from '../database/transaction.js';
import { Clock } from '../kernel/clock.js';
import { Gathered } from '../kernel/gathered.js';
import { Ids } from '../kernel/ids.js';
import { Settings } from '../settings/schema.js';

/** The right to run one exclusive job until a deadline that has to be moved on. */
export interface Claim {
  readonly name: string;
  /** Unique to this run, so that an earlier run of the same replica cannot act for it. */
  readonly holder: string;
}

interface Finished {
  readonly claim: Claim;
  readonly everyMs: number;
  readonly error: string | undefined;
}

/** What is due at one tick ends in the same moment, as a rule because there was nothing to do. */
const GATHER_MS = 25;
const MOST_AT_ONCE = 64;

/**
 * Exclusive jobs, shared out by the table `scheduled_jobs`. All times are the database's: the replicas compare
 * deadlines with each other, and clocks of machines differ. Every method throws when the database does not answer.
 */
@Injectable()
export class JobClaims {
  readonly #finishes: Gathered<Finished>;

  constructor(
    private readonly settings: Settings,
    private readonly transactions: Transactions,
    private readonly ids: Ids,
    clock: Clock,
  ) {
    this.#finishes = new Gathered(clock, (ends) => this.#write(ends), GATHER_MS, MOST_AT_ONCE);
  }

  /** How long a claim holds without being extended. */
  get claimMs(): number {
    return this.settings.values.scheduler.claimMs;
  }

  /** Makes a row for each job that has none yet, due at once. */
  async know(names: readonly string[]): Promise<void> {
    await this.transactions.reads.query(
      `INSERT INTO scheduled_jobs (name, next_run_at)
       SELECT name, clock_timestamp() FROM unnest($1::text[]) AS name ON CONFLICT (name) DO NOTHING`,
      [names],
    );
  }

  /**
   * Claims those of the named jobs that are due and that nobody holds. A claim whose deadline has passed is taken over,
   * and counts as a failure of the run that held it.
   */
  async claimDue(names: readonly string[]): Promise<Claim[]> {
    if (names.length === 0) return [];
    const holder = `${hostname()}#${process.pid}#${this.ids.uuid()}`;
    // SKIP LOCKED: two replicas that look at the same moment share the jobs out instead of waiting for each other.
    const [rows] = await this.transactions.reads.query<[{ name: string }[], number]>(
      `UPDATE scheduled_jobs SET
         failures = failures + CASE WHEN claimed_by IS NULL THEN 0 ELSE 1 END,
         last_error = CASE WHEN claimed_by IS NULL THEN last_error ELSE 'the replica that ran it gave no sign of life' END,
         claimed_by = $2,
         claimed_until = clock_timestamp() + $3 * interval '1 millisecond',
         last_started_at = clock_timestamp(),
         runs = runs + 1
       WHERE name IN (
         SELECT name FROM scheduled_jobs
         WHERE name = ANY($1::text[]) AND next_run_at <= clock_timestamp()
           AND (claimed_until IS NULL OR claimed_until < clock_timestamp())
         FOR UPDATE SKIP LOCKED)
       RETURNING name`,
      [names, holder, this.claimMs],
    );
    return rows.map(({ name }) => ({ name, holder }));
  }

  /** Moves the deadline on; false when the claim is no longer ours. */
  async extend(claim: Claim): Promise<boolean> {
    const [, changed] = await this.transactions.reads.query<[unknown[], number]>(
      `UPDATE scheduled_jobs SET claimed_until = clock_timestamp() + $3 * interval '1 millisecond'
       WHERE name = $1 AND claimed_by = $2`,
      [claim.name, claim.holder, this.claimMs],
    );
    return changed === 1;
  }

  /**
   * Ends a run: next one an interval after its start. False when the claim was lost, and nothing was written. Written
   * together with others that end within a moment.
   */
  finish(claim: Claim, everyMs: number, error: string | undefined): Promise<boolean> {
    return this.#finishes.add({ claim, everyMs, error });
  }

  /** Gives a job back unfinished, due at once, for another replica to take. */
  async release(claim: Claim): Promise<void> {
    await this.transactions.reads.query(
      `UPDATE scheduled_jobs SET claimed_by = NULL, claimed_until = NULL, last_finished_at = clock_timestamp(),
         next_run_at = clock_timestamp()
       WHERE name = $1 AND claimed_by = $2`,
      [claim.name, claim.holder],
    );
  }

  async #write(ends: readonly Finished[]): Promise<readonly boolean[]> {
    const [rows] = await this.transactions.reads.query<[Claim[], number]>(
      `UPDATE scheduled_jobs SET
         claimed_by = NULL, claimed_until = NULL, last_finished_at = clock_timestamp(), last_error = run.error,
         failures = failures + CASE WHEN run.error IS NULL THEN 0 ELSE 1 END,
         next_run_at = greatest(clock_timestamp(), last_started_at + run.every_ms * interval '1 millisecond')
       FROM unnest($1::text[], $2::text[], $3::float8[], $4::text[]) AS run (job, holder, every_ms, error)
       WHERE name = run.job AND claimed_by = run.holder
       RETURNING name, run.holder`,
      [
        ends.map(({ claim }) => claim.name),
        ends.map(({ claim }) => claim.holder),
        ends.map(({ everyMs }) => everyMs),
        ends.map(({ error }) => error ?? null),
      ],
    );
    return ends.map(({ claim }) =>
      rows.some(({ name, holder }) => name === claim.name && holder === claim.holder),
    );
  }
}
