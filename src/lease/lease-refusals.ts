import { Injectable } from '@nestjs/common';
import { Transactions } from '../database/transaction.js';
import { BrokerError } from '../kernel/broker-error.js';
import type { LeaseState } from './lease.js';
import type { LeaseDecision } from './lease-decision.js';
import { NOT_ENDED } from './lease-row.js';

/** A lease of the same run and idempotency key that has not ended. */
export interface EarlierLease {
  readonly id: string;
  readonly state: LeaseState;
  readonly credential: string;
  readonly stepId: string;
  readonly delivery: string;
}

/** Why a statement that checks under lock found nothing. */
export type Obstacle =
  | { readonly kind: 'refused'; readonly error: BrokerError }
  /** Grant or credential changed since the decision: decide again. */
  | { readonly kind: 'stale' }
  | { readonly kind: 'earlier'; readonly lease: EarlierLease };

interface Facts {
  readonly grant_state: string;
  readonly grant_open: boolean;
  readonly grant_version: number;
  readonly run_open: boolean;
  readonly enabled: boolean;
  readonly credential_version: number;
  readonly earlier: EarlierLease | null;
  readonly of_grant: number;
  readonly of_run: number;
}

const FACTS = `
  SELECT g.state AS grant_state, (g.expires_at IS NULL OR g.expires_at > $4) AS grant_open, g.version AS grant_version,
    (r.state = 'open' AND r.deadline > $4) AS run_open, c.enabled, c.version AS credential_version,
    (SELECT json_build_object('id', e.id, 'state', e.state, 'credential', e.credential, 'stepId', e.step_id, 'delivery', e.delivery)
     FROM leases e WHERE e.run_ref = r.id AND e.idempotency_key = $5 AND e.${NOT_ENDED}
     ORDER BY e.requested_at DESC LIMIT 1) AS earlier,
    (SELECT count(*)::int FROM leases e WHERE e.grant_id = g.id AND e.${NOT_ENDED}) AS of_grant,
    (SELECT count(*)::int FROM leases e WHERE e.run_ref = r.id AND e.${NOT_ENDED}) AS of_run
  FROM grants g, runs r, credentials c WHERE g.id = $1 AND r.id = $2 AND c.name = $3`;

/** Tells refusals apart; a second read, so that what is allowed needs only one. */
@Injectable()
export class LeaseRefusals {
  constructor(private readonly transactions: Transactions) {}

  /** What stood in the way of a decision a moment ago; `stale` when nothing does any more. */
  async obstacle(decision: LeaseDecision, now: Date, idempotencyKey: string | undefined): Promise<Obstacle> {
    const { grant, run, credential } = decision;
    const [facts] = await this.transactions.reads.query<Facts[]>(FACTS, [
      grant.id,
      run.id,
      credential.name,
      now,
      idempotencyKey ?? null,
    ]);
    const error = facts === undefined ? new BrokerError('run_closed') : refusalOf(facts, decision);
    if (error !== undefined) return { kind: 'refused', error };
    if (facts !== undefined && facts.earlier !== null) return { kind: 'earlier', lease: facts.earlier };
    return { kind: 'stale' };
  }
}

function refusalOf(facts: Facts, decision: LeaseDecision): BrokerError | undefined {
  if (!facts.run_open) return new BrokerError('run_closed');
  if (facts.grant_state !== 'active' || !facts.grant_open) return new BrokerError('grant_not_active');
  if (!facts.enabled) return new BrokerError('credential_disabled', { field: 'credential' });
  if (facts.earlier !== null || !isCurrent(facts, decision)) return undefined;
  const { liveLeases, liveLeasesPerRun } = decision.grant.spec.limits ?? {};
  if (liveLeases !== undefined && facts.of_grant >= liveLeases) {
    return limitReached(`the grant allows ${liveLeases} live leases`);
  }
  if (liveLeasesPerRun !== undefined && facts.of_run >= liveLeasesPerRun) {
    return limitReached(`the grant allows ${liveLeasesPerRun} live leases per run`);
  }
  return undefined;
}

function isCurrent(facts: Facts, { grant, credential }: LeaseDecision): boolean {
  return facts.grant_version === grant.version && facts.credential_version === credential.version;
}

function limitReached(detail: string): BrokerError {
  return new BrokerError('grant_limit_reached', { detail, retryAfterSeconds: 1 });
}
