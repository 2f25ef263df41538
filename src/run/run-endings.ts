import { Injectable } from '@nestjs/common';
import { BrokerError, hasCode } from '../kernel/broker-error.js';
import { systemCaller, type Caller } from '../kernel/caller.js';
import { Clock } from '../kernel/clock.js';
import { crashPoint } from '../kernel/crash-point.js';
import { Ids } from '../kernel/ids.js';
import { Log } from '../kernel/log.js';
import type { OpenedRevocation } from '../kernel/opened-revocation.js';
import { safeErrorFields } from '../kernel/safe-error.js';
import { Transactions, type Tx } from '../database/transaction.js';
import { AuditInbox } from '../audit/audit-inbox.js';
import type { EndedRunState, Run } from './run.js';
import { RunEnded, type RunEndCause } from './run-ended.js';
import { aboutRun } from './run-event.js';
import { endRun, lockRun, selectRuns } from './run-rows.js';

/** A run that ended, how many live leases it had, and the revocation of these. */
export interface RunEnding extends OpenedRevocation {
  readonly run: Run;
}

interface Ending {
  readonly state: EndedRunState;
  readonly cause: RunEndCause;
  readonly reason?: string | undefined;
  /** Refuses what may not end now. */
  check(run: Run): void;
  record(tx: Tx, run: Run, leases: number): Promise<unknown>;
}

/** Runs of a grant that are read at once: a grant may have more than fit into memory. */
const RUNS_AT_ONCE = 500;

/** How runs end; part of `Runs`, which is what others call. */
@Injectable()
export class RunEndings {
  #ended: RunEnded | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly transactions: Transactions,
    private readonly audit: AuditInbox,
    private readonly log: Log,
  ) {}

  /** Registers what happens to leases. */
  whenEnded(port: RunEnded): void {
    this.#ended = port;
  }

  /** Closes a run: its work is done. */
  close(caller: Caller, id: string, reason?: string): Promise<RunEnding> {
    return this.end(caller, id, {
      state: 'closed',
      cause: 'run_closed',
      reason,
      check: (run) => checkOwn(caller, run),
      record: (tx, run, leases) =>
        this.audit.append(tx, 'run.closed', aboutRun(run, caller), counted(leases, reason)),
    });
  }

  /** Revokes a run: it must not go on. */
  revoke(caller: Caller, id: string, reason?: string): Promise<RunEnding> {
    return this.end(caller, id, {
      state: 'revoked',
      cause: 'run_revoked',
      reason,
      check: (run) => checkOwn(caller, run),
      record: (tx, run, leases) =>
        this.audit.append(tx, 'run.revoked', aboutRun(run, caller), counted(leases, reason)),
    });
  }

  /**
   * Expires up to `limit` runs whose deadline passed; answers how many. Each has a transaction of its own, and one
   * that somebody else ended meanwhile is left alone. What fails is thrown when the others are done.
   */
  async expireDue(limit: number): Promise<number> {
    const due = await selectRuns(
      this.transactions.reads,
      `WHERE r.state = 'open' AND r.deadline <= $1 ORDER BY r.deadline LIMIT $2`,
      [this.clock.now(), limit],
    );
    const caller = systemCaller('scheduler', this.ids.uuid());
    const failures: unknown[] = [];
    let expired = 0;
    for (const { id } of due) {
      try {
        await this.expire(caller, id);
        expired += 1;
      } catch (error) {
        if (hasCode(error, 'state_transition_refused')) continue;
        failures.push(error);
        this.log.error({ run_ref: id, ...safeErrorFields(error) }, 'a run could not be expired');
      }
    }
    if (failures.length > 0)
      throw new AggregateError(failures, `${failures.length} runs could not be expired`);
    return expired;
  }

  /** Ends every open run of a grant whose row is locked; leases are the caller's to end. Answers the ids. */
  async endOfGrant(
    tx: Tx,
    ending: {
      readonly grantId: string;
      readonly state: 'revoked' | 'expired';
      readonly cause: 'grant_revoked' | 'grant_expired';
      readonly caller: Caller;
    },
  ): Promise<string[]> {
    const { grantId, state, cause, caller } = ending;
    const ids: string[] = [];
    for (;;) {
      // In the order of ids, as everybody who locks several runs.
      const runs = await selectRuns(
        tx,
        `WHERE r.grant_id = $1 AND r.state = 'open' ORDER BY r.id LIMIT ${RUNS_AT_ONCE} FOR UPDATE OF r`,
        [grantId],
      );
      for (const run of runs) {
        const leases = await this.liveLeases(tx, run.id);
        await endRun(tx, { id: run.id, state, endCause: cause }, this.clock.now());
        await this.audit.append(
          tx,
          state === 'revoked' ? 'run.revoked' : 'run.expired',
          aboutRun(run, caller),
          {
            leases,
          },
        );
        ids.push(run.id);
      }
      if (runs.length < RUNS_AT_ONCE) return ids;
    }
  }

  /**
   * Ends up to `limit` open runs of a workload, or of all of an issuer's where no subject is named; leases are the
   * caller's to end. Answers how many there were: fewer than `limit` when none is left.
   */
  async endOfWorkload(
    tx: Tx,
    ending: {
      readonly issuer: string;
      readonly subject: string | undefined;
      readonly cause: 'workload_blocked' | 'issuer_blocked';
      readonly caller: Caller;
      readonly reason: string | undefined;
    },
    limit: number,
  ): Promise<number> {
    const { issuer, subject, cause, caller, reason } = ending;
    const runs = await selectRuns(
      tx,
      `WHERE r.issuer = $1 AND ($2::text IS NULL OR r.subject = $2) AND r.state = 'open'
       ORDER BY r.id LIMIT $3 FOR UPDATE OF r`,
      [issuer, subject ?? null, limit],
    );
    for (const run of runs) {
      const leases = await this.liveLeases(tx, run.id);
      await endRun(tx, { id: run.id, state: 'revoked', endCause: cause }, this.clock.now());
      await this.audit.append(tx, 'run.revoked', aboutRun(run, caller), counted(leases, reason));
    }
    return runs.length;
  }

  private expire(caller: Caller, id: string): Promise<RunEnding> {
    return this.end(caller, id, {
      state: 'expired',
      cause: 'run_expired',
      check: () => undefined,
      record: (tx, run, leases) => this.audit.append(tx, 'run.expired', aboutRun(run, caller), { leases }),
    });
  }

  private async end(caller: Caller, id: string, ending: Ending): Promise<RunEnding> {
    const port = this.#ended;
    if (port === undefined) throw new Error('nothing is registered that would end the leases');
    const result = await this.transactions.run(async (tx) => {
      const run = await lockRun(tx, id);
      ending.check(run);
      if (run.state !== 'open')
        throw new BrokerError('state_transition_refused', { detail: `the run is ${run.state} already` });
      const ended = { ...run, state: ending.state, endCause: ending.cause, endedAt: this.clock.now() };
      await endRun(tx, ended, ended.endedAt);
      const opened = await port.during(tx, {
        runRef: run.id,
        cause: ending.cause,
        caller,
        reason: ending.reason,
      });
      await ending.record(tx, run, opened.leases);
      crashPoint('run.close.before-commit');
      return { run: ended, ...opened };
    });
    crashPoint('run.close.committed');
    await port
      .after({ ...result, runRef: result.run.id })
      .catch((error: unknown) =>
        this.log.warn({ run_ref: id, ...safeErrorFields(error) }, 'revocations are left to the scheduler'),
      );
    return result;
  }

  private async liveLeases(tx: Tx, runRef: string): Promise<number> {
    const [row] = await tx.query<{ live: number }[]>(
      `SELECT count(*)::integer AS live FROM leases WHERE run_ref = $1 AND state IN ('issuing', 'active')`,
      [runRef],
    );
    return row?.live ?? 0;
  }
}

/** To a workload, the run of another does not exist. */
function checkOwn({ actor }: Caller, run: Run): void {
  if (actor.type === 'anonymous') throw new BrokerError('authentication_required');
  if (actor.type !== 'workload') return;
  if (actor.issuer !== run.issuer || actor.subject !== run.subject)
    throw new BrokerError('not_found', { detail: 'no run of this id' });
}

function counted(leases: number, reason: string | undefined): { leases: number; reason?: string } {
  return reason === undefined ? { leases } : { leases, reason };
}
