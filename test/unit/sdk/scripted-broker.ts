import type { LeaseView } from '../../../src/sdk/api-types.js';
import { HeldLease } from '../../../src/sdk/held-lease.js';
import { LeasegateError } from '../../../src/sdk/leasegate-error.js';
import { leaseView } from './lease-views.js';
import type { TestSurroundings } from './test-surroundings.js';

interface Issued {
  view: LeaseView;
  endedAtMs: number | undefined;
}

/** A broker that follows the rules for leases on the time of a test, and can be away or refuse. */
export class ScriptedBroker {
  readonly #leases = new Map<string, Issued>();
  /** When it does not answer, from and until, in milliseconds since the start. */
  outages: readonly (readonly [fromMs: number, untilMs: number])[] = [];
  /** Refuses every new lease with this. */
  refuseLease: LeasegateError | undefined;
  runEndsAtMs = Infinity;
  readonly #startMs: number;

  constructor(
    private readonly surroundings: TestSurroundings,
    private readonly ttlMs: number,
    private readonly lifeMs: number,
  ) {
    this.#startMs = surroundings.nowMs();
  }

  get issued(): number {
    return this.#leases.size;
  }

  /** Leases that work now. */
  get live(): number {
    return [...this.#leases.keys()].filter((id) => this.isLive(id)).length;
  }

  get unreleased(): number {
    return [...this.#leases.values()].filter(({ endedAtMs }) => endedAtMs === undefined).length;
  }

  get elapsedMs(): number {
    return this.surroundings.nowMs() - this.#startMs;
  }

  isLive(id: string): boolean {
    const lease = this.#leases.get(id);
    return (
      lease !== undefined &&
      lease.endedAtMs === undefined &&
      Date.parse(lease.view.expires_at) > this.surroundings.nowMs()
    );
  }

  /** Ends a lease as an administrator does. */
  revoke(id: string): void {
    const lease = this.#leases.get(id);
    if (lease !== undefined) lease.endedAtMs ??= this.surroundings.nowMs();
  }

  async lease(): Promise<HeldLease> {
    this.#answer();
    if (this.refuseLease !== undefined) throw this.refuseLease;
    const nowMs = this.surroundings.nowMs();
    if (nowMs >= this.runEndsAtMs)
      throw new LeasegateError({ code: 'run_closed', status: 403, detail: 'no' });
    const lastMs = Math.min(nowMs + this.lifeMs, this.runEndsAtMs);
    const view = leaseView({
      id: `lease-${this.#leases.size + 1}`,
      expires_at: new Date(Math.min(nowMs + this.ttlMs, lastMs)).toISOString(),
      max_expires_at: new Date(lastMs).toISOString(),
    });
    this.#leases.set(view.id, { view, endedAtMs: undefined });
    return new HeldLease({
      view,
      serverTimeMs: nowMs,
      ttlSeconds: undefined,
      credential: { username: view.id, password: 'marker-7' },
      wrapping: undefined,
      autoRenew: true,
      surroundings: this.surroundings,
      calls: { renew: (id) => this.#renew(id), release: (id) => this.#release(id) },
    });
  }

  async #renew(id: string): Promise<{ lease: LeaseView; serverTimeMs: number }> {
    this.#answer();
    const nowMs = this.surroundings.nowMs();
    const lease = this.#leases.get(id);
    if (lease === undefined || !this.isLive(id)) {
      throw new LeasegateError({ code: 'lease_not_active', status: 409, detail: 'no', usableUntil: null });
    }
    const endMs = Math.min(nowMs + this.ttlMs, Date.parse(lease.view.max_expires_at));
    lease.view = { ...lease.view, expires_at: new Date(endMs).toISOString() };
    return { lease: lease.view, serverTimeMs: nowMs };
  }

  async #release(id: string): Promise<LeaseView> {
    this.#answer();
    const lease = this.#leases.get(id);
    if (lease === undefined) throw new Error(`there is no ${id}`);
    lease.endedAtMs ??= this.surroundings.nowMs();
    return { ...lease.view, state: 'revoked' };
  }

  #answer(): void {
    if (this.outages.some(([fromMs, untilMs]) => this.elapsedMs >= fromMs && this.elapsedMs < untilMs)) {
      throw new LeasegateError({ code: 'broker_unreachable', status: 0, detail: 'away' });
    }
  }
}
