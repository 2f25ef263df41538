import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { besidesKey } from '../../database/by-key.js';
import { Transactions } from '../../database/transaction.js';
import { BrokerError } from '../../kernel/broker-error.js';
import { Clock } from '../../kernel/clock.js';
import { Log } from '../../kernel/log.js';
import { safeErrorFields } from '../../kernel/safe-error.js';

/** From one look to the next; what is revoked is cut off within a second. */
const EVERY_MS = 300;
/** How long calls stay open while nobody can say whether they may. */
const BLIND_MS = 30_000;

const ENDED = `
  SELECT 'run' AS what, w.id::text FROM unnest($1::uuid[]) AS w (id)
  WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.id = w.id AND ${besidesKey('r.state')} = 'open' AND r.deadline > $3)
  UNION ALL
  SELECT 'grant', w.id::text FROM unnest($2::uuid[]) AS w (id)
  WHERE NOT EXISTS (SELECT 1 FROM grants g WHERE g.id = w.id AND ${besidesKey('g.state')} = 'active' AND (g.expires_at IS NULL OR g.expires_at > $3))
  UNION ALL
  SELECT 'credential', w.name FROM unnest($4::text[]) AS w (name)
  WHERE EXISTS (SELECT 1 FROM credentials c WHERE c.name = w.name AND NOT c.enabled)
  UNION ALL
  SELECT 'lease', w.id::text FROM unnest($5::uuid[]) AS w (id)
  WHERE EXISTS (SELECT 1 FROM leases l WHERE l.id = w.id AND ${besidesKey('l.state')} <> 'active'
    AND l.revoke_cause NOT IN ('expiry', 'released'))`;

/** What an open call may go on only as long as it stands. */
export interface CallGround {
  readonly runRef: string;
  readonly grantId: string;
  /** Name of the credential that it was sent with, where there is one. */
  readonly credential: string | undefined;
  /** The lease of the gateway that it was sent with, once there is one. */
  readonly leaseId?: string | undefined;
}

interface OpenCall {
  readonly ground: CallGround;
  readonly cut: Cut;
}

interface Ended {
  readonly what: 'run' | 'grant' | 'credential' | 'lease';
  readonly id: string;
}

/** Ends a call that must not go on. */
export type Cut = (reason: BrokerError) => void;

/**
 * The calls that are open in this process, and may have to be cut off. One query for all of them, a few times a second
 * and only while there are any, looks whether their runs are open, their grants active, their credentials enabled (those
 * of a blocked target are not) and the leases that they were sent with alive. A lease that came to its own end cuts
 * nothing: the request left while it was good.
 */
@Injectable()
export class OpenCalls implements OnApplicationShutdown {
  readonly #calls = new Map<string, OpenCall>();
  #timer: NodeJS.Timeout | undefined;
  #seenMs = 0;

  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** How many calls are watched. */
  get size(): number {
    return this.#calls.size;
  }

  /**
   * Watches a call until `done`. It is cut within a second after its run or grant ended or its credential was disabled,
   * or its lease was revoked, with `run_closed`, `grant_not_active`, `credential_disabled` or `lease_not_active` as its
   * reason; or `limits_unavailable` when that could not be seen for 30 seconds. What of the ground is not known yet may
   * be added to it later.
   */
  watch(callId: string, ground: CallGround, cut: Cut): void {
    if (this.#calls.size === 0) this.#seenMs = this.clock.monotonicMs();
    this.#calls.set(callId, { ground, cut });
    this.#timer ??= this.later();
  }

  /** Forgets a call that has ended. */
  done(callId: string): void {
    this.#calls.delete(callId);
  }

  onApplicationShutdown(): void {
    clearTimeout(this.#timer);
    this.#calls.clear();
  }

  private later(): NodeJS.Timeout {
    return setTimeout(() => void this.look(), EVERY_MS);
  }

  private async look(): Promise<void> {
    try {
      await this.cutEnded();
      this.#seenMs = this.clock.monotonicMs();
    } catch (error) {
      this.log.warn(safeErrorFields(error), 'it cannot be seen whether open calls may go on');
      if (this.clock.monotonicMs() - this.#seenMs > BLIND_MS) {
        this.cut(() => new BrokerError('limits_unavailable', { cause: error }));
      }
    } finally {
      this.#timer = this.#calls.size > 0 ? this.later() : undefined;
    }
  }

  private async cutEnded(): Promise<void> {
    const calls = [...this.#calls.values()].map(({ ground }) => ground);
    if (calls.length === 0) return;
    const ended = await this.transactions.reads.query<Ended[]>(ENDED, [
      [...new Set(calls.map(({ runRef }) => runRef))],
      [...new Set(calls.map(({ grantId }) => grantId))],
      this.clock.now(),
      [...new Set(calls.flatMap(({ credential }) => credential ?? []))],
      [...new Set(calls.flatMap(({ leaseId }) => leaseId ?? []))],
    ]);
    if (ended.length === 0) return;
    const gone = (sought: Ended['what']): ReadonlySet<string | undefined> =>
      new Set(ended.filter(({ what }) => what === sought).map(({ id }) => id));
    const [runs, grants, credentials] = [gone('run'), gone('grant'), gone('credential')];
    const leases = gone('lease');
    this.cut(({ runRef, grantId, credential, leaseId }) => {
      // A grant that ends takes its runs along; what the caller has to know is that it was the grant.
      if (grants.has(grantId)) return new BrokerError('grant_not_active');
      if (runs.has(runRef)) return new BrokerError('run_closed');
      if (credentials.has(credential)) return new BrokerError('credential_disabled');
      return leases.has(leaseId) ? new BrokerError('lease_not_active') : undefined;
    });
  }

  private cut(reasonOf: (ground: CallGround) => BrokerError | undefined): void {
    for (const [callId, call] of this.#calls) {
      const reason = reasonOf(call.ground);
      if (reason === undefined) continue;
      this.#calls.delete(callId);
      call.cut(reason);
    }
  }
}
