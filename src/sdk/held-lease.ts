import { EventEmitter } from 'node:events';
import { inspect } from 'node:util';
import type { IssuedLease, LeaseView } from './api-types.js';
import { mayPass } from './handover-schedule.js';
import { hasErrorCode, LeasegateError } from './leasegate-error.js';
import { secretData, type SecretData } from './secret-data.js';
import type { Surroundings } from './surroundings.js';

/** A renewal that failed. */
export interface RenewalFailure {
  readonly error: unknown;
  /** Whether it is tried again before the lease ends. */
  readonly willRetry: boolean;
  /** When the credential stops working unless a later renewal succeeds. */
  readonly expiresAt: Date;
  /** Until when it works whatever follows; null when it is dead or being ended, so that nobody may count on it. */
  readonly usableUntil: Date | null;
}

/** What happens to a lease that is held. */
export interface LeaseEvents {
  renewed: [expiresAt: Date];
  'renewal-failed': [failure: RenewalFailure];
  /** It is over: released here, its time ran out, or the broker said that it was ended elsewhere. Emitted once. */
  ended: [reason: 'released' | 'expired' | 'revoked'];
}

/** How a held lease reaches the broker. */
export interface LeaseCalls {
  renew(id: string, ttlSeconds: number | undefined): Promise<{ lease: LeaseView; serverTimeMs: number }>;
  release(id: string): Promise<LeaseView>;
}

export interface HeldLeaseParts {
  readonly view: LeaseView;
  readonly serverTimeMs: number;
  readonly ttlSeconds: number | undefined;
  readonly credential: Readonly<Record<string, unknown>> | undefined;
  readonly wrapping: IssuedLease['wrapping'];
  readonly autoRenew: boolean;
  readonly calls: LeaseCalls;
  readonly surroundings: Surroundings;
}

const HALF = 0.5;
const JITTER = 0.1;
const SHORTEST_WAIT_MS = 500;

/**
 * A credential that this process holds. It is renewed at half of its remaining life, give or take a tenth, until it
 * is released or cannot live longer. Its timers do not keep the process alive. `await using` releases it.
 */
export class HeldLease extends EventEmitter<LeaseEvents> {
  readonly #parts: HeldLeaseParts;
  readonly #data: SecretData | undefined;
  /** How long it could live when it was leased, with all renewals. */
  readonly lifeMs: number;
  #view: LeaseView;
  /** On the local clock, corrected by the broker's, so that a wrong local clock does not matter. */
  #endsAtMs = 0;
  #cancelTimer: () => void = () => {};
  #refused = false;
  #over = false;

  constructor(parts: HeldLeaseParts) {
    super();
    this.#parts = parts;
    this.#data = parts.credential && secretData(parts.credential);
    this.#view = parts.view;
    this.#take(parts.view, parts.serverTimeMs);
    this.lifeMs = this.longestMs;
  }

  get id(): string {
    return this.#view.id;
  }

  /** Name in the catalogue. */
  get credential(): string {
    return this.#view.credential;
  }

  /** The same, as a {@link HeldCredential} calls it. */
  get name(): string {
    return this.#view.credential;
  }

  /** The credential's fields; prints redacted. Throws for a wrapped lease, whose credential never comes here. */
  get data(): SecretData {
    if (this.#data === undefined) throw new TypeError(`lease ${this.id} is wrapped: unwrap it at Vault`);
    return this.#data;
  }

  /** For wrapped delivery: what to unwrap at Vault, once, and until when. */
  get wrapping(): { token: string; expiresAt: Date; vaultAddress: string } | undefined {
    const wrapping = this.#parts.wrapping;
    return (
      wrapping && {
        token: wrapping.token,
        expiresAt: new Date(wrapping.expires_at),
        vaultAddress: wrapping.vault_address,
      }
    );
  }

  /** When the credential stops working, by the broker's clock. */
  get expiresAt(): Date {
    return new Date(this.#view.expires_at);
  }

  /** How long it works from now on unless it is renewed; 0 when it is over. */
  get remainingMs(): number {
    return this.#over ? 0 : Math.max(0, this.#endsAtMs - this.#parts.surroundings.nowMs());
  }

  /** When it ends at the latest, with all renewals that it can have, by the broker's clock; 1970 when it is over. */
  get lastEnd(): Date {
    if (this.#over) return new Date(0);
    return this.#refused ? this.expiresAt : new Date(this.#view.max_expires_at);
  }

  /** How long it can live from now on, with all renewals that it can have; 0 when it is over. */
  get longestMs(): number {
    if (this.#over) return 0;
    return Math.max(0, this.remainingMs + this.lastEnd.getTime() - this.expiresAt.getTime());
  }

  /** Whether the broker can end the credential before it expires; a static secret lives on. */
  get revocable(): boolean {
    return this.#view.revocable;
  }

  /** The lease as the broker last described it. */
  get view(): LeaseView {
    return this.#view;
  }

  /** Renews now. */
  async renew(): Promise<Date> {
    const { lease, serverTimeMs } = await this.#parts.calls.renew(this.id, this.#parts.ttlSeconds);
    this.#take(lease, serverTimeMs);
    this.emit('renewed', this.expiresAt);
    return this.expiresAt;
  }

  /** Ends the lease; releasing what has ended is fine. Stops renewing even when the broker does not answer. */
  async release(): Promise<void> {
    this.#end('released');
    try {
      this.#view = await this.#parts.calls.release(this.id);
    } catch (error) {
      if (!hasErrorCode(error, 'lease_not_active') && !hasErrorCode(error, 'run_closed')) throw error;
    }
  }

  /** Stops renewing without releasing: the run ended, and the lease with it. */
  forget(): void {
    this.#end('released');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  [inspect.custom](): string {
    return `HeldLease { id: ${this.id}, credential: ${this.credential}, expiresAt: ${this.expiresAt.toISOString()} }`;
  }

  #take(view: LeaseView, serverTimeMs: number): void {
    this.#view = view;
    this.#endsAtMs = this.#parts.surroundings.nowMs() + (this.expiresAt.getTime() - serverTimeMs);
    if (!this.#over) this.#schedule();
  }

  #schedule(): void {
    this.#cancelTimer();
    const { surroundings, autoRenew } = this.#parts;
    if (!autoRenew) {
      this.#cancelTimer = surroundings.after(this.remainingMs, () => this.#atEnd());
      return;
    }
    const share = HALF + JITTER * (2 * surroundings.fraction() - 1);
    const delayMs = Math.max(SHORTEST_WAIT_MS, this.remainingMs * share);
    this.#cancelTimer = surroundings.after(
      Math.min(delayMs, this.remainingMs),
      () => void this.#renewInBackground(),
    );
  }

  async #renewInBackground(): Promise<void> {
    if (this.remainingMs <= 0) {
      this.#atEnd();
      return;
    }
    try {
      if (this.expiresAt.getTime() >= Date.parse(this.#view.max_expires_at)) throw this.#longestReached();
      await this.renew();
    } catch (error) {
      if (this.#over) return;
      const usableUntil = usableUntilOf(error, this.expiresAt);
      const willRetry = usableUntil !== null && mayPass(error) && this.remainingMs > SHORTEST_WAIT_MS;
      if (willRetry) this.#schedule();
      else {
        this.#refused = true;
        this.#cancelTimer = this.#parts.surroundings.after(this.remainingMs, () => this.#atEnd());
      }
      this.emit('renewal-failed', { error, willRetry, expiresAt: this.expiresAt, usableUntil });
      if (usableUntil === null) this.#end('revoked');
    }
  }

  #longestReached(): LeasegateError {
    return new LeasegateError({
      code: 'lease_not_renewable',
      status: 0,
      detail: 'The lease has reached the longest that it may live.',
    });
  }

  #atEnd(): void {
    // A renewal in another process, or a long timer that was cut, may have left time on the clock.
    if (this.remainingMs > 0)
      this.#cancelTimer = this.#parts.surroundings.after(this.remainingMs, () => this.#atEnd());
    else this.#end('expired');
  }

  #end(reason: 'released' | 'expired' | 'revoked'): void {
    this.#cancelTimer();
    if (this.#over) return;
    this.#over = true;
    this.emit('ended', reason);
  }
}

function usableUntilOf(error: unknown, expiresAt: Date): Date | null {
  return error instanceof LeasegateError && error.usableUntil !== undefined ? error.usableUntil : expiresAt;
}
