import { EventEmitter } from 'node:events';
import { inspect } from 'node:util';
import { handoverOf, mayPass, rotationRetryMs, type HandoverWishes } from './handover-schedule.js';
import type { HeldLease, RenewalFailure } from './held-lease.js';
import { hasErrorCode, LeasegateError } from './leasegate-error.js';
import type { SecretData } from './secret-data.js';
import type { Surroundings } from './surroundings.js';

/** A credential was replaced. */
export interface Rotation {
  /** Fields of the new credential; prints redacted. */
  readonly data: SecretData;
  readonly lease: HeldLease;
  readonly previous: HeldLease;
  /** Until when the old one is kept beside the new one, by the local clock; in the past when it was dead already. */
  readonly previousUntil: Date;
}

/** A replacement that could not be leased. */
export interface RotationFailure {
  readonly error: unknown;
  readonly willRetry: boolean;
  /** Until when the credential at hand works, by the broker's clock; null when it does not any more. */
  readonly usableUntil: Date | null;
}

/** What happens to a credential that is held. */
export interface CredentialEvents {
  /** There is a new one: use it from now on. */
  rotated: [rotation: Rotation];
  renewed: [expiresAt: Date];
  'renewal-failed': [failure: RenewalFailure];
  'rotation-failed': [failure: RotationFailure];
  /** A replacement would end no later: run or grant end then, and the credential at hand with them. */
  final: [endsAt: Date];
  /** It works no more and there is no other yet; `rotated` follows when there is. */
  lapsed: [];
  /** It is over: released here, or it works no more and there will be no other. Emitted once. */
  ended: [reason: 'released' | 'expired'];
}

export interface HeldCredentialParts {
  readonly first: HeldLease;
  /** Leases the credential anew. */
  readonly lease: (signal: AbortSignal) => Promise<HeldLease>;
  readonly wishes: HandoverWishes;
  readonly surroundings: Surroundings;
}

// Vault counts whole seconds.
const LEAST_GAIN_MS = 1_000;
const LONGEST_HASTE_MS = 1_000;
const PENDING_GRACE_MS = 5_000;
const SHORTEST_ATTEMPT_MS = 10_000;

/**
 * A credential that is there for as long as the process needs it: its lease is renewed while that is possible, and
 * replaced by a new one before it reaches the longest that it may live. The new one is live before it is handed over
 * by `rotated`, and the old one is kept for a while after. A lease that is ended elsewhere is replaced at once, if the
 * run may still lease. Its timers do not keep the process alive. `await using` releases all.
 */
export class HeldCredential extends EventEmitter<CredentialEvents> {
  readonly #parts: HeldCredentialParts;
  readonly #retired = new Set<HeldLease>();
  #current: HeldLease;
  #rotating: Promise<void> | undefined;
  #attempt = new AbortController();
  #cancelTimer: () => void = () => {};
  #failures = 0;
  #refused = false;
  #over = false;

  constructor(parts: HeldCredentialParts) {
    super();
    this.#parts = parts;
    this.#current = parts.first;
    this.#adopt(parts.first);
  }

  /** Name in the catalogue. */
  get name(): string {
    return this.#current.credential;
  }

  /** The fields of the credential to use now; prints redacted. */
  get data(): SecretData {
    return this.#current.data;
  }

  /** The lease that it has now. */
  get lease(): HeldLease {
    return this.#current;
  }

  /** When the credential stops working unless it is renewed or replaced, by the broker's clock. */
  get expiresAt(): Date {
    return this.#current.expiresAt;
  }

  /** Replaces it now, or joins the replacement under way. Fails with what refused it; then it is tried again later. */
  rotate(): Promise<void> {
    this.#rotating ??= this.#rotate().finally(() => {
      this.#rotating = undefined;
    });
    return this.#rotating;
  }

  /** Ends all leases of it; the first failure is thrown after all were tried. */
  async release(): Promise<void> {
    const pending = this.#rotating;
    this.#end('released');
    if (pending !== undefined) {
      const giveUp = this.#parts.surroundings.after(PENDING_GRACE_MS, () => this.#attempt.abort());
      await pending.catch(() => {});
      giveUp();
    }
    const results = await Promise.allSettled(
      [this.#current, ...this.#retired].map((lease) => lease.release()),
    );
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /** Stops without releasing: the run ended, and the leases with it. */
  forget(): void {
    this.#end('released');
    for (const lease of [this.#current, ...this.#retired]) lease.forget();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.release();
  }

  [inspect.custom](): string {
    return `HeldCredential { name: ${this.name}, lease: ${this.#current.id}, expiresAt: ${this.expiresAt.toISOString()} }`;
  }

  #adopt(lease: HeldLease): void {
    lease.on('renewed', (expiresAt) => {
      if (lease === this.#current) this.emit('renewed', expiresAt);
    });
    lease.on('renewal-failed', (failure) => {
      if (lease === this.#current) this.#renewalFailed(failure);
    });
    lease.on('ended', (reason) => {
      this.#retired.delete(lease);
      if (lease === this.#current && !this.#over) this.#currentEnded(reason);
    });
    const { wishes, surroundings } = this.#parts;
    this.#rotateIn(handoverOf(lease.longestMs, wishes, surroundings.fraction()).rotateInMs);
  }

  #renewalFailed(failure: RenewalFailure): void {
    const { error, willRetry } = failure;
    // Said by the lease itself when it has reached its longest life: what the replacement is planned for.
    if (hasErrorCode(error, 'lease_not_renewable') && error.status === 0) return;
    this.emit('renewal-failed', failure);
    // Many may have been refused at the same moment.
    if (!willRetry && !this.#refused) {
      const hasteMs = Math.min(LONGEST_HASTE_MS, this.#current.remainingMs / 4);
      this.#rotateIn(hasteMs * this.#parts.surroundings.fraction());
    }
  }

  #currentEnded(reason: 'released' | 'expired' | 'revoked'): void {
    if (reason === 'released') this.#end('released');
    else if (this.#refused) this.#end('expired');
    else {
      this.emit('lapsed');
      this.#rotateSoon();
    }
  }

  #rotateIn(delayMs: number): void {
    this.#cancelTimer();
    if (!this.#over) this.#cancelTimer = this.#parts.surroundings.after(delayMs, () => this.#rotateSoon());
  }

  #rotateSoon(): void {
    // What it fails with is in `rotation-failed`.
    if (!this.#over) this.rotate().catch(() => {});
  }

  async #rotate(): Promise<void> {
    this.#cancelTimer();
    const next = await this.#leaseAnew();
    this.#failures = 0;
    this.#refused = false;
    const previous = this.#current;
    if (this.#over || next.lastEnd.getTime() - previous.lastEnd.getTime() < LEAST_GAIN_MS) {
      if (!this.#over) this.emit('final', previous.lastEnd);
      await next.release().catch(() => {});
      return;
    }
    this.#current = next;
    this.#adopt(next);
    const previousUntil = this.#retire(previous);
    this.emit('rotated', { data: next.data, lease: next, previous, previousUntil });
  }

  /** One attempt; ended early enough for another one, since what it asks may be the one replica that hangs. */
  async #leaseAnew(): Promise<HeldLease> {
    this.#attempt = new AbortController();
    const limitMs = Math.max(SHORTEST_ATTEMPT_MS, this.#current.remainingMs / 3);
    const cancel = this.#parts.surroundings.after(limitMs, () => this.#attempt.abort(tooLate(limitMs)));
    try {
      return await this.#parts.lease(this.#attempt.signal);
    } catch (error) {
      if (!this.#over) this.#rotationFailed(error);
      throw error;
    } finally {
      cancel();
    }
  }

  #rotationFailed(error: unknown): void {
    this.#failures += 1;
    const { remainingMs } = this.#current;
    const alive = remainingMs > 0;
    // What an administrator may still mend is asked for again while the credential at hand works.
    const willRetry = !hasErrorCode(error, 'run_closed') && (alive || mayPass(error) || isOutage(error));
    this.#refused = !willRetry;
    if (willRetry) {
      const retryAfterMs = error instanceof LeasegateError ? error.retryAfterMs : undefined;
      const fraction = this.#parts.surroundings.fraction();
      this.#rotateIn(rotationRetryMs(this.#failures, remainingMs, fraction, retryAfterMs));
    }
    this.emit('rotation-failed', { error, willRetry, usableUntil: alive ? this.expiresAt : null });
    if (!willRetry && !alive) this.#end('expired');
  }

  #retire(previous: HeldLease): Date {
    const { surroundings, wishes } = this.#parts;
    const keepMs = Math.min(handoverOf(previous.lifeMs, wishes, 0).overlapMs, previous.longestMs);
    if (keepMs > 0) {
      this.#retired.add(previous);
      // It is renewed until then where need be. When the release fails, what is left of it ends with its time to live.
      surroundings.after(keepMs, () => {
        if (this.#retired.has(previous)) previous.release().catch(() => {});
      });
    }
    return new Date(surroundings.nowMs() + keepMs);
  }

  #end(reason: 'released' | 'expired'): void {
    this.#cancelTimer();
    if (this.#over) return;
    this.#over = true;
    this.emit('ended', reason);
  }
}

function isOutage(error: unknown): boolean {
  return error instanceof LeasegateError && error.status >= 500;
}

function tooLate(limitMs: number): LeasegateError {
  const detail = `The credential was not there within ${Math.round(limitMs / 1000)} seconds.`;
  return new LeasegateError({ code: 'broker_timeout', status: 0, detail });
}
