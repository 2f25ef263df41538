import { BrokerError, hasCode } from '../kernel/broker-error.js';
import type { Clock } from '../kernel/clock.js';
import type { Ids } from '../kernel/ids.js';
import type { Log } from '../kernel/log.js';
import { Secret } from '../kernel/secret.js';
import { authAnswer, readAnswer, type VaultAuth } from './answers.js';
import { LoginWaits } from './login-waits.js';
import type { Timer, Timers } from './timers.js';
import type { VaultClient } from './vault-client.js';
import { logIn, type VaultLogin } from './vault-login.js';

/** A token that we hold. Replaced as a whole; only its expiry moves. */
interface Held {
  readonly token: Secret;
  /** Seconds that the login gave; a renewal that gives much less is near the token's end. */
  readonly fullSeconds: number;
  readonly renewable: boolean;
  /** On the monotonic clock; infinite for a token that does not end. */
  expiresAtMs: number;
}

/** Below this part of the first TTL a renewal says that the token's own maximum is near. */
const WORTHWHILE = 0.75;

/**
 * The broker's own login at Vault.
 *
 *     none ──login──► held ──half life──► renewed (held) ──maximum near──► login ──► held (swapped)
 *                      └─ 403 and lookup-self says gone ──► login ──► held (swapped), the request goes again once
 *
 * One login at a time, shared by all who wait for it. The old token stays in use until the new one is there and is
 * then left to expire, since requests on the way still carry it.
 */
export class VaultSession {
  readonly #waits: LoginWaits;
  readonly #lost = new WeakMap<Held, Promise<boolean>>();
  readonly #background = new Set<Promise<void>>();
  #held: Held | undefined;
  #entering: Promise<Held> | undefined;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(
    private readonly client: VaultClient,
    private readonly login: VaultLogin,
    private readonly clock: Clock,
    private readonly timers: Timers,
    private readonly log: Log,
    ids: Ids,
  ) {
    this.#waits = new LoginWaits(clock, ids);
  }

  /** Logs in. A failure is logged and tried again in the background: a broker starts without its Vault. */
  async start(): Promise<void> {
    await this.#enter().catch(() => undefined);
  }

  /**
   * Does work with the current token. When Vault denies it and the token turns out to be gone, logs in and does the
   * work once more: a request that was denied had no effect. Fails as the work does, or as the login does.
   */
  async use<T>(work: (token: Secret) => Promise<T>): Promise<T> {
    const held = await this.#current();
    try {
      return await work(held.token);
    } catch (error) {
      if (!hasCode(error, 'vault_denied') || !(await this.#isLost(held))) throw error;
      return work((await this.#current()).token);
    }
  }

  /** Whether we hold a token now, and the failure if we cannot get one. */
  state(): { readonly loggedIn: boolean; readonly lastError: BrokerError | undefined } {
    const { lastError } = this.#waits;
    return { loggedIn: this.#held !== undefined && this.#isLive(this.#held), lastError };
  }

  /** Ends the upkeep and gives the token back (`auth/token/revoke-self`); resolves also when Vault does not answer. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#timer?.cancel();
    await Promise.allSettled([this.#entering, ...this.#background]);
    const held = this.#held;
    this.#held = undefined;
    if (held === undefined) return;
    await this.client
      .call({ operation: 'revoke_self', method: 'POST', path: 'auth/token/revoke-self', token: held.token })
      .catch((error: unknown) =>
        this.log.debug(facts(error), 'the Vault token was not given back; it will expire'),
      );
  }

  async #current(): Promise<Held> {
    if (this.#stopped) throw new BrokerError('shutting_down');
    if (this.#held !== undefined && this.#isLive(this.#held)) return this.#held;
    if (this.#entering === undefined) this.#waits.check();
    return this.#enter();
  }

  #isLive(held: Held): boolean {
    return this.clock.monotonicMs() < held.expiresAtMs;
  }

  /** Logs in and swaps; the lock that makes it one at a time is the promise itself. */
  #enter(): Promise<Held> {
    this.#entering ??= this.#logInOnce().finally(() => (this.#entering = undefined));
    return this.#entering;
  }

  async #logInOnce(): Promise<Held> {
    if (this.#stopped) throw new BrokerError('shutting_down');
    const askedMs = this.clock.monotonicMs();
    try {
      const auth = await logIn(this.client, this.login);
      const held = heldFrom(auth, askedMs);
      this.#held = held;
      this.#waits.succeeded();
      this.#schedule(held);
      this.log.info({ ttlSeconds: auth.lease_duration, renewable: auth.renewable }, 'logged in to Vault');
      return held;
    } catch (error) {
      // Every failed login keeps one background retry under way, whoever asked for the login.
      this.#retryLater(error, 'login');
      throw error;
    }
  }

  /** Whether the token is gone, asked once for all requests that were denied with it. */
  async #isLost(held: Held): Promise<boolean> {
    if (this.#held !== held) return true;
    let asked = this.#lost.get(held);
    if (asked === undefined) {
      asked = this.#lookUp(held).finally(() => this.#lost.delete(held));
      this.#lost.set(held, asked);
    }
    const lost = await asked;
    if (lost && this.#held === held) this.#held = undefined;
    return lost;
  }

  async #lookUp(held: Held): Promise<boolean> {
    try {
      await this.client.call({
        operation: 'lookup_self',
        method: 'GET',
        path: 'auth/token/lookup-self',
        token: held.token,
      });
      return false;
    } catch (error) {
      if (!hasCode(error, 'vault_denied')) return false;
      this.log.warn({}, 'the Vault token is gone; logging in again');
      return true;
    }
  }

  #schedule(held: Held): void {
    if (held.expiresAtMs === Infinity) return;
    this.#after((held.expiresAtMs - this.clock.monotonicMs()) / 2, held);
  }

  #retryLater(error: unknown, what: string): void {
    const waitMs = this.#waits.failed(error);
    if (this.#stopped) return;
    this.log.warn(
      { ...facts(error), waitMs: Math.round(waitMs) },
      `the Vault ${what} failed; it is tried again`,
    );
    this.#after(waitMs, this.#held);
  }

  /** The one timer of the session; setting it again calls off the one before. */
  #after(ms: number, held: Held | undefined): void {
    this.#timer?.cancel();
    if (this.#stopped) return;
    this.#timer = this.timers.after(Math.max(0, ms), () => {
      const work: Promise<void> = this.#keepUp(held).finally(() => this.#background.delete(work));
      this.#background.add(work);
    });
  }

  async #keepUp(held: Held | undefined): Promise<void> {
    if (this.#stopped || this.#held !== held) return;
    if (held !== undefined && held.renewable && (await this.#renew(held))) return;
    if (this.#stopped || this.#held !== held) return;
    // It has taken care of the next attempt itself.
    await this.#enter().catch(() => undefined);
  }

  /** Renews; false when only a new login helps. */
  async #renew(held: Held): Promise<boolean> {
    const askedMs = this.clock.monotonicMs();
    try {
      const answer = await this.client.call({
        operation: 'renew_self',
        method: 'POST',
        path: 'auth/token/renew-self',
        token: held.token,
      });
      const { auth } = readAnswer(authAnswer, answer, 'renew_self');
      held.expiresAtMs = expiryMs(auth, askedMs);
      if (auth.lease_duration < held.fullSeconds * WORTHWHILE) return false;
      this.#waits.succeeded();
      if (this.#held === held) this.#schedule(held);
      return true;
    } catch (error) {
      const outage = hasCode(error, 'vault_unavailable') || hasCode(error, 'vault_sealed');
      if (!outage || !this.#isLive(held)) return false;
      if (this.#held === held) this.#retryLater(error, 'renewal');
      return true;
    }
  }
}

function heldFrom(auth: VaultAuth, askedMs: number): Held {
  return {
    token: Secret.of(auth.client_token),
    fullSeconds: auth.lease_duration,
    renewable: auth.renewable,
    expiresAtMs: expiryMs(auth, askedMs),
  };
}

/** From the moment of asking, so that we never take it for alive after Vault does not. Zero means without end. */
function expiryMs(auth: VaultAuth, askedMs: number): number {
  return auth.lease_duration === 0 ? Infinity : askedMs + auth.lease_duration * 1_000;
}

function facts(error: unknown): Record<string, unknown> {
  return error instanceof BrokerError
    ? { code: error.code, internal: error.internal }
    : { code: 'internal_error', internal: error instanceof Error ? error.name : 'unknown fault' };
}
