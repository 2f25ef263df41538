import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../audit/audit-inbox.js';
import { besidesKey } from '../database/by-key.js';
import { prepared, type PreparedStatement } from '../database/prepared.js';
import { Transactions } from '../database/transaction.js';
import { systemCaller } from '../kernel/caller.js';
import { Clock } from '../kernel/clock.js';
import { crashPoint } from '../kernel/crash-point.js';
import { Gathered } from '../kernel/gathered.js';
import { Ids } from '../kernel/ids.js';
import { Settings } from '../settings/schema.js';
import { alertDue, backoffMs } from './backoff.js';
import { failureText } from './failure.js';
import { endStateOf, type Proof, type ProvedLeaseState } from './lease.js';
import { subjectOf } from './lease-row.js';
import type { ClaimedLease } from './revocation-claims.js';

/** How long proofs are gathered while many come; the row says `revoking` for so much longer. */
const GATHER_MS = 40;
const MOST_AT_ONCE = 64;

interface Ended {
  readonly claimed: ClaimedLease;
  readonly state: ProvedLeaseState;
  readonly proof: Proof;
  readonly eventId: string;
  readonly leaf: Buffer;
}

const END: PreparedStatement = {
  name: 'leases.end',
  text: `
  WITH proved AS (
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::bytea[])
      AS p (id, claim, state, proof, event_id, leaf)
  ), ended AS (
    UPDATE leases l SET state = p.state, ended_at = $7::timestamptz, proof = p.proof, attempts = l.attempts + 1,
      last_error = NULL, next_attempt_at = NULL, stuck_since = NULL, claimed_by = NULL, claimed_until = NULL
    FROM proved p
    WHERE l.id = p.id AND l.claimed_by = p.claim AND ${besidesKey('l.state')} IN ('revoking', 'orphaned')
    RETURNING l.id, p.event_id, p.leaf
  ), event AS (
    INSERT INTO audit_inbox (event_id, leaf) SELECT event_id, leaf FROM ended
  )
  SELECT id FROM ended`,
};

const FAIL = `
  WITH failed AS (
    UPDATE leases SET attempts = attempts + 1, last_error = $3::text, next_attempt_at = $4::timestamptz,
      stuck_since = COALESCE(stuck_since, $5::timestamptz), claimed_by = NULL, claimed_until = NULL
    WHERE id = $1::uuid AND claimed_by = $2::text AND ${besidesKey('state')} IN ('revoking', 'orphaned') RETURNING id
  ), event AS (
    INSERT INTO audit_inbox (event_id, leaf)
    SELECT e.event_id, e.leaf FROM failed CROSS JOIN unnest($6::uuid[], $7::bytea[]) AS e (event_id, leaf)
  )
  SELECT id FROM failed`;

/** Records how revocations went; only the holder of a claim can. Each statement changes rows and appends their events. */
@Injectable()
export class RevocationOutcomes {
  readonly #ends: Gathered<Ended>;

  constructor(
    private readonly transactions: Transactions,
    private readonly audit: AuditInbox,
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {
    this.#ends = new Gathered(clock, (ends) => this.write(ends), GATHER_MS, MOST_AT_ONCE);
  }

  /** Records that Vault confirmed the end. False when the claim was lost: somebody else records it. */
  ended(claimed: ClaimedLease, proof: Proof): Promise<boolean> {
    const { lease } = claimed;
    const state = endStateOf(lease.state, lease.revokeCause);
    const eventId = this.ids.uuid();
    const leaf = this.audit.leaf(
      eventId,
      'lease.ended',
      { caller: systemCaller('revoker', eventId), ...subjectOf(lease) },
      {
        state,
        cause: lease.revokeCause ?? 'crashed',
        proof,
        revocable: lease.revocable,
        attempts: lease.attempts + 1,
        secret_lives_on: !lease.revocable,
      },
    );
    return this.#ends.add({ claimed, state, proof, eventId, leaf });
  }

  /**
   * Records a failed attempt and when the next one is, with an event when it is time to tell somebody, and another when
   * the lease is stuck from now on. False when the claim was lost.
   */
  async failed({ lease, claim }: ClaimedLease, error: unknown): Promise<boolean> {
    const { leases } = this.settings.values;
    const attempts = lease.attempts + 1;
    const now = this.clock.now();
    const next = new Date(now.getTime() + backoffMs(attempts, leases, this.ids.fraction()));
    const stuck = lease.stuckSince === null && attempts >= leases.stuckAfterAttempts;
    const told = { attempts, detail: failureText(error), next_attempt_at: next.toISOString() };
    const events: { readonly id: string; readonly leaf: Buffer }[] = [];
    const tell = (kind: 'lease.revocation_failed' | 'lease.stuck', data: typeof told): void => {
      const id = this.ids.uuid();
      const caller = systemCaller('revoker', id);
      const leaf = this.audit.leaf(id, kind, { caller, ...subjectOf(lease), outcome: 'failure' }, data);
      events.push({ id, leaf });
    };
    if (alertDue(attempts, leases.alertAfterAttempts)) tell('lease.revocation_failed', told);
    if (stuck) {
      const facts = { mount: lease.mount, revocable: lease.revocable };
      tell('lease.stuck', { ...facts, ...told });
    }
    const rows = await this.transactions.reads.query<unknown[]>(FAIL, [
      lease.id,
      claim,
      told.detail,
      next,
      stuck ? now : null,
      events.map(({ id }) => id),
      events.map(({ leaf }) => leaf),
    ]);
    return rows.length > 0;
  }

  private async write(ends: readonly Ended[]): Promise<readonly boolean[]> {
    const rows = await prepared<{ id: string }>(this.transactions.reads, END, [
      ends.map(({ claimed }) => claimed.lease.id),
      ends.map(({ claimed }) => claimed.claim),
      ends.map(({ state }) => state),
      ends.map(({ proof }) => proof),
      ends.map(({ eventId }) => eventId),
      ends.map(({ leaf }) => leaf),
      this.clock.now(),
    ]);
    crashPoint('lease.revoke.ended');
    const done = new Set(rows.map(({ id }) => id));
    return ends.map(({ claimed }) => done.has(claimed.lease.id));
  }
}
