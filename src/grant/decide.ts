import { Injectable } from '@nestjs/common';
import { BrokerError } from '../kernel/broker-error.js';
import { Clock } from '../kernel/clock.js';
import { Settings } from '../settings/schema.js';
import { Transactions } from '../database/transaction.js';
import type { VerifiedToken } from '../identity/verified-token.js';
import { ActiveGrants } from './active-grants.js';
import { namedClaims, type CompiledGrant } from './compiled-grant.js';
import { compileConditions } from './conditions.js';
import { explainGrants, type Explanation } from './explain.js';
import type { GrantDecision, WantedRun } from './grant-decision.js';
import { isPast } from './grant-live.js';
import { GrantReview } from './grant-review.js';
import { selectGrants, type StoredGrant } from './grant-rows.js';
import { runIdentity } from './run-identity.js';

/** Decides which grant a workload may run under. */
@Injectable()
export class GrantDecisions {
  constructor(
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly transactions: Transactions,
    private readonly active: ActiveGrants,
    private readonly review: GrantReview,
  ) {}

  /**
   * The one active grant that matches the token, and the run and step that the workload belongs to. Refuses with
   * `grant_not_found`, `grant_not_active` (only to a workload that the named grant would match), `grant_ambiguous`,
   * `run_identity_missing`, `run_identity_refused` or `request_invalid`. What it knows of grants may be a second old when
   * it decides for the worker, and is never older than the question when it refuses.
   */
  async decide(token: VerifiedToken, wanted: WantedRun): Promise<GrantDecision> {
    const askedMs = this.clock.monotonicMs();
    const { grants, readAtMs } = await this.active.of(token.issuerName);
    try {
      return await this.decideAmong(grants, token, wanted);
    } catch (error) {
      if (!(error instanceof BrokerError) || readAtMs >= askedMs) throw error;
      const now = await this.active.since(token.issuerName, askedMs);
      return this.decideAmong(now.grants, token, wanted);
    }
  }

  private async decideAmong(
    candidates: readonly CompiledGrant[],
    token: VerifiedToken,
    wanted: WantedRun,
  ): Promise<GrantDecision> {
    const now = this.clock.now();
    const matching = candidates.filter(
      ({ grant, conditions }) => !isPast(grant, now) && conditions.matches(token.claims),
    );
    const grant = (await this.pick(matching, token, wanted.grant)).grant;
    const { runId, stepId, runFrom } = runIdentity(grant.spec.run, token, wanted);
    return {
      grant,
      runId,
      stepId,
      runFrom,
      deadlineSeconds: grant.spec.run.maxDurationSeconds ?? this.settings.values.runs.maxDurationSeconds,
      claims: namedClaims(grant, token.claims),
    };
  }

  /** What {@link decide} would say and why, for every grant of the issuer; issues nothing and reads afresh. */
  async explain(token: VerifiedToken, wanted: WantedRun): Promise<Explanation> {
    const { reads } = this.transactions;
    const stored = await selectGrants(reads, 'WHERE g.issuer = $1 ORDER BY g.name', [token.issuerName]);
    const grants = await this.review.warned(reads, stored);
    return explainGrants(grants, token, wanted, this.clock.now());
  }

  /** Forgets what is known of grants, after a decision turned out to be out of date. */
  forget(): void {
    this.active.forget();
  }

  private async pick(
    matching: readonly CompiledGrant[],
    token: VerifiedToken,
    name: string | undefined,
  ): Promise<CompiledGrant> {
    const narrowed = name === undefined ? matching : matching.filter(({ grant }) => grant.name === name);
    const [first, second] = narrowed;
    if (second !== undefined)
      throw new BrokerError('grant_ambiguous', {
        field: 'grant',
        detail: `name one of ${narrowed.map(({ grant }) => grant.name).join(', ')}`,
      });
    if (first !== undefined) return first;
    if (name !== undefined) await this.refuseInactive(token, name);
    throw new BrokerError('grant_not_found', {
      detail:
        name === undefined
          ? 'no active grant matches the claims of the token; an operator can explain which came nearest'
          : 'no active grant of this name matches the claims of the token',
    });
  }

  /** Says that a grant is not active to those that it would match, and nothing to anybody else. */
  private async refuseInactive(token: VerifiedToken, name: string): Promise<void> {
    const [stored] = await selectGrants(this.transactions.reads, 'WHERE g.name = $1 AND g.issuer = $2', [
      name,
      token.issuerName,
    ]);
    if (stored === undefined || !matchesStored(stored, token)) return;
    const past = isPast(stored, this.clock.now());
    if (stored.state === 'active' && !past) return;
    throw new BrokerError('grant_not_active', {
      detail: `grant ${name} is ${stored.state === 'active' ? 'expired' : stored.state}`,
    });
  }
}

function matchesStored(stored: StoredGrant, token: VerifiedToken): boolean {
  try {
    return compileConditions(stored.spec.workload).matches(token.claims);
  } catch {
    // A grant that does not compile matches nothing.
    return false;
  }
}
