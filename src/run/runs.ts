import { Injectable } from '@nestjs/common';
import { BrokerError } from '../kernel/broker-error.js';
import type { Caller } from '../kernel/caller.js';
import { addSeconds, Clock } from '../kernel/clock.js';
import { Ids } from '../kernel/ids.js';
import { Transactions, type Tx } from '../database/transaction.js';
import type { Page } from '../database/page.js';
import { AuditInbox } from '../audit/audit-inbox.js';
import type { JsonValue } from '../audit/field-class.js';
import type { GrantDecision } from '../grant/grant-decision.js';
import { isPast } from '../grant/grant-live.js';
import type { GrantState } from '../grant/grant.js';
import type { VerifiedToken } from '../identity/verified-token.js';
import type { EndedRunState, Run } from './run.js';
import { RunEnded } from './run-ended.js';
import { RunEndings, type RunEnding } from './run-endings.js';
import { aboutRun } from './run-event.js';
import { insertRun, listRuns, readRun, selectRuns, type RunFilter } from './run-rows.js';

export type { RunEnding } from './run-endings.js';

/** A decision was made on a grant that changed since; decide again, on what is there now. */
export class StaleDecision extends Error {}

/** The runs. Row locks are taken in the order grant, runs, leases everywhere. */
@Injectable()
export class Runs {
  constructor(
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly transactions: Transactions,
    private readonly audit: AuditInbox,
    private readonly endings: RunEndings,
  ) {}

  /** Registers what happens to leases when a run ends; the lease module does so when it starts. */
  whenEnded(port: RunEnded): void {
    this.endings.whenEnded(port);
  }

  /**
   * Opens the run that was decided on, or finds it open: once per grant, issuer, subject and run id. Refuses with
   * `run_closed` one that ended, with `run_limit_reached` one too many, with `grant_not_active`; throws
   * {@link StaleDecision} when the grant is at another version than the decision's; with `workload_blocked` for a
   * workload that is blocked, of which from then on no run exists that whoever blocks it does not see.
   */
  async open(
    tx: Tx,
    opening: { readonly decision: GrantDecision; readonly token: VerifiedToken; readonly caller: Caller },
  ): Promise<{ run: Run; opened: boolean }> {
    const { decision, token, caller } = opening;
    const now = this.clock.now();
    await this.holdGrant(tx, decision, token, now);
    const found = await this.findOpen(tx, decision, token, now);
    if (found !== undefined) return { run: found, opened: false };
    const id = this.ids.uuid();
    const { grant, runId, claims } = decision;
    const deadline = earliest(addSeconds(now, decision.deadlineSeconds), grant.expiresAt);
    const { issuer, subject } = token;
    const fresh = { id, runId, grantId: grant.id, grantVersion: grant.version, issuer, subject, claims };
    const openRuns = grant.spec.limits?.openRuns;
    if (!(await insertRun(tx, { ...fresh, openedAt: now, deadline }, openRuns))) {
      // Somebody opened the same run between the two statements, or the cap is reached.
      const other = await this.findOpen(tx, decision, token, now);
      if (other !== undefined) return { run: other, opened: false };
      throw new BrokerError('run_limit_reached', { detail: `grant ${grant.name} has ${openRuns} open runs` });
    }
    const run: Run = {
      ...fresh,
      grantName: grant.name,
      state: 'open',
      openedAt: now,
      deadline,
      endedAt: null,
      endCause: null,
    };
    const context = { ...aboutRun(run, caller), stepId: decision.stepId };
    await this.audit.append(tx, 'run.opened', context, {
      deadline: deadline.toISOString(),
      claims: run.claims as Readonly<Record<string, JsonValue>>,
    });
    return { run, opened: true };
  }

  /** One run; `not_found` if there is none. */
  get(id: string): Promise<Run> {
    return readRun(this.transactions.reads, id);
  }

  /** Runs, newest first. */
  list(filter: RunFilter): Promise<Page<Run>> {
    return listRuns(this.transactions.reads, filter);
  }

  /**
   * Closes an open run, with its leases. A workload may close its own and no other: that is `not_found`. Refused with
   * `state_transition_refused` if it has ended.
   */
  close(caller: Caller, id: string, reason?: string): Promise<RunEnding> {
    return this.endings.close(caller, id, reason);
  }

  /** Revokes an open run, with its leases; otherwise as {@link close}. */
  revoke(caller: Caller, id: string, reason?: string): Promise<RunEnding> {
    return this.endings.revoke(caller, id, reason);
  }

  /** Expires up to `limit` open runs whose deadline passed; answers how many. */
  expireDue(limit: number): Promise<number> {
    return this.endings.expireDue(limit);
  }

  /**
   * Ends every open run of a grant, inside the transaction that ends the grant; for the implementation of
   * `GrantEnded`, which ends the leases itself afterwards. Answers the ids of the runs.
   */
  endOfGrant(
    tx: Tx,
    grantId: string,
    state: Exclude<EndedRunState, 'closed'>,
    cause: 'grant_revoked' | 'grant_expired',
    caller: Caller,
  ): Promise<string[]> {
    return this.endings.endOfGrant(tx, { grantId, state, cause, caller });
  }

  /**
   * Ends up to `limit` open runs of a workload that is blocked, or of an issuer's; the leases are the caller's to end.
   * Answers how many there were: fewer than `limit` when none is left.
   */
  endOfWorkload(tx: Tx, ending: Parameters<RunEndings['endOfWorkload']>[1], limit: number): Promise<number> {
    return this.endings.endOfWorkload(tx, ending, limit);
  }

  /**
   * Locks the grant until the transaction ends, so that it cannot be suspended or changed meanwhile; and, where it
   * has a cap on open runs, so that nobody else opens one between the count and the insert. Without a cap the lock is
   * shared: runs of one grant open side by side. Looks in the same statement whether the workload is blocked, and keeps
   * it from being blocked until the commit.
   */
  private async holdGrant(
    tx: Tx,
    { grant }: GrantDecision,
    { issuer, subject }: VerifiedToken,
    now: Date,
  ): Promise<void> {
    const lock = grant.spec.limits?.openRuns === undefined ? 'FOR SHARE' : 'FOR NO KEY UPDATE';
    const [row] = await tx.query<{ state: GrantState; version: number; blocked: string | null }[]>(
      `SELECT state, version, block_of_workload($2, $3, $4) AS blocked FROM grants WHERE id = $1 ${lock}`,
      [grant.id, issuer, subject, now],
    );
    if (typeof row?.blocked === 'string')
      throw new BrokerError('workload_blocked', { detail: `the ${row.blocked} is blocked by an admin` });
    if (row?.version !== grant.version) throw new StaleDecision();
    if (row.state !== 'active')
      throw new BrokerError('grant_not_active', { detail: `grant ${grant.name} is ${row.state}` });
    if (isPast(grant, now))
      throw new BrokerError('grant_not_active', { detail: `grant ${grant.name} is expired` });
  }

  private async findOpen(
    tx: Tx,
    { grant, runId }: GrantDecision,
    { issuer, subject }: VerifiedToken,
    now: Date,
  ): Promise<Run | undefined> {
    const [run] = await selectRuns(
      tx,
      'WHERE r.grant_id = $1 AND r.issuer = $2 AND r.subject = $3 AND r.run_id = $4 FOR SHARE OF r',
      [grant.id, issuer, subject, runId],
    );
    if (run !== undefined && (run.state !== 'open' || run.deadline <= now))
      throw new BrokerError('run_closed', {
        detail: run.state === 'open' ? 'the run is past its deadline' : `the run is ${run.state}`,
      });
    return run;
  }
}

function earliest(deadline: Date, expiresAt: Date | null): Date {
  return expiresAt !== null && expiresAt < deadline ? expiresAt : deadline;
}
