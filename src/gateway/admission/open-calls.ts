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
  SELECT 'run' AS what, w.id FROM unnest($1::uuid[]) AS w (id)
  WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.id = w.id AND ${besidesKey('r.state')} = 'open' AND r.deadline > $3)
  UNION ALL
  SELECT 'grant', w.id FROM unnest($2::uuid[]) AS w (id)
  WHERE NOT EXISTS (SELECT 1 FROM grants g WHERE g.id = w.id AND ${besidesKey('g.state')} = 'active' AND (g.expires_at IS NULL OR g.expires_at > $3))`;

interface OpenCall {
  readonly runRef: string;
  readonly grantId: string;
  readonly cut: Cut;
}

/** Ends a call that must not go on. */
export type Cut = (reason: BrokerError) => void;

/**
 * The calls that are open in this process, and may have to be cut off. One query for all of them, a few times a second
 * and only while there are any, looks whether their runs are open and their grants active.
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
   * Watches a call until `done`. It is cut within a second after its run or grant ended, with `run_closed` or
   * `grant_not_active` as its reason; or `limits_unavailable` when that could not be seen for 30 seconds.
   */
  watch(callId: string, runRef: string, grantId: string, cut: Cut): void {
    if (this.#calls.size === 0) this.#seenMs = this.clock.monotonicMs();
    this.#calls.set(callId, { runRef, grantId, cut });
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
    const calls = [...this.#calls.values()];
    if (calls.length === 0) return;
    const ended = await this.transactions.reads.query<{ what: 'run' | 'grant'; id: string }[]>(ENDED, [
      [...new Set(calls.map(({ runRef }) => runRef))],
      [...new Set(calls.map(({ grantId }) => grantId))],
      this.clock.now(),
    ]);
    if (ended.length === 0) return;
    const runs = new Set(ended.filter(({ what }) => what === 'run').map(({ id }) => id));
    const grants = new Set(ended.filter(({ what }) => what === 'grant').map(({ id }) => id));
    this.cut(({ runRef, grantId }) => {
      // A grant that ends takes its runs along; what the caller has to know is that it was the grant.
      if (grants.has(grantId)) return new BrokerError('grant_not_active');
      return runs.has(runRef) ? new BrokerError('run_closed') : undefined;
    });
  }

  private cut(reasonOf: (call: OpenCall) => BrokerError | undefined): void {
    for (const [callId, call] of this.#calls) {
      const reason = reasonOf(call);
      if (reason === undefined) continue;
      this.#calls.delete(callId);
      call.cut(reason);
    }
  }
}
