import { Injectable, type BeforeApplicationShutdown } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { RunIdentity } from '../../identity/run-token.js';
import { BrokerError } from '../../kernel/broker-error.js';
import { systemCaller, type Caller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import { Ids } from '../../kernel/ids.js';
import { Log } from '../../kernel/log.js';
import { safeErrorFields } from '../../kernel/safe-error.js';
import { LeaseEnd } from '../../lease/end.js';
import { LeaseIssue } from '../../lease/issue.js';
import type { HeldCredential } from './held-credential.js';

/** More runs and credentials than this at once, and the ones not used for longest are given back. */
const MOST_HELD = 10_000;
/** A credential that ends within this is not worth a call: the request would still be on its way. */
const LAST_MOMENT_MS = 1_000;
/** A successor is leased when this part of the lease's life is left. */
const SUCCEEDED_AT = 0.2;
/** Milliseconds between attempts at a successor, while Vault does not answer. */
const RETRY_MS = 2_000;

interface Entry extends HeldCredential {
  /** When to ask for a successor; moved on by an attempt that fails. */
  succeedAtMs: number;
}

/**
 * The credentials that the gateway holds: one lease for each run and credential, in memory and nowhere else.
 *
 * A lease is never renewed but followed by another, so that a secret that was rotated in Vault is picked up. The one
 * before is left to its own end, since calls may be under way with it. While Vault does not answer, what is held can
 * be used until its end.
 */
@Injectable()
export class HeldCredentials implements BeforeApplicationShutdown {
  readonly #held: LRUCache<string, Entry>;
  readonly #asked = new Map<string, Promise<Entry>>();

  constructor(
    private readonly leaseIssue: LeaseIssue,
    private readonly leaseEnd: LeaseEnd,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly log: Log,
  ) {
    this.#held = new LRUCache<string, Entry>({
      max: MOST_HELD,
      dispose: ({ leaseId }, _key, reason) => {
        if (reason === 'evict') void this.letGo([leaseId]);
      },
    });
  }

  /**
   * The credential for a call of this run; from memory, or leased now. Calls that ask at the same time wait for one
   * lease. Refuses and fails as {@link LeaseIssue.issue} does; each refusal is an event.
   */
  async hold(
    identity: RunIdentity,
    stepId: string,
    credential: string,
    caller: Caller,
  ): Promise<HeldCredential> {
    const key = keyOf(identity.runRef, credential);
    const entry = this.#held.get(key);
    const nowMs = this.clock.now().getTime();
    if (entry !== undefined && nowMs < entry.usableUntil.getTime()) {
      if (nowMs >= entry.succeedAtMs) this.succeed(entry, identity, stepId, credential, caller);
      return entry;
    }
    return this.lease(identity, stepId, credential, caller);
  }

  /** Drops leases that somebody else ended. */
  forgetLeases(leaseIds: ReadonlySet<string>): void {
    for (const [key, entry] of this.#held.entries()) if (leaseIds.has(entry.leaseId)) this.#held.delete(key);
  }

  /** Ids of the leases that are held. */
  leaseIds(): string[] {
    return [...this.#held.values()].map(({ leaseId }) => leaseId);
  }

  /** Gives everything back: what is in memory only is of no use to whoever comes after. */
  async beforeApplicationShutdown(): Promise<void> {
    await Promise.allSettled(this.#asked.values());
    const leaseIds = this.leaseIds();
    this.#held.clear();
    await this.letGo(leaseIds);
  }

  private lease(
    identity: RunIdentity,
    stepId: string,
    credential: string,
    caller: Caller,
  ): Promise<HeldCredential> {
    const key = keyOf(identity.runRef, credential);
    const asked = this.#asked.get(key);
    if (asked !== undefined) return asked;
    const asking = this.issue(identity, stepId, credential, caller).finally(() => this.#asked.delete(key));
    this.#asked.set(key, asking);
    return asking;
  }

  private async issue(
    identity: RunIdentity,
    stepId: string,
    credential: string,
    caller: Caller,
  ): Promise<Entry> {
    const wanted = { credential, stepId, forGateway: true } as const;
    const { lease, credential: data } = await this.leaseIssue.issue(identity, wanted, caller);
    if (data === undefined) throw new BrokerError('credential_unusable', { internal: 'a wrapped lease' });
    const endsMs = lease.expiresAt.getTime();
    const nowMs = this.clock.now().getTime();
    const entry: Entry = {
      leaseId: lease.id,
      data,
      usableUntil: new Date(endsMs - LAST_MOMENT_MS),
      succeedAtMs: endsMs - (endsMs - nowMs) * SUCCEEDED_AT,
    };
    this.#held.set(keyOf(identity.runRef, credential), entry);
    return entry;
  }

  /** Leases a successor while calls go on with what is held. */
  private succeed(
    entry: Entry,
    identity: RunIdentity,
    stepId: string,
    credential: string,
    caller: Caller,
  ): void {
    entry.succeedAtMs = this.clock.now().getTime() + RETRY_MS;
    this.lease(identity, stepId, credential, caller).catch((error: unknown) => {
      this.log.warn(
        { lease_id: entry.leaseId, credential, ...safeErrorFields(error) },
        'a credential of the gateway could not be leased anew; what is held goes on being used until its end',
      );
    });
  }

  private async letGo(leaseIds: readonly string[]): Promise<void> {
    const caller = systemCaller('gateway', this.ids.uuid());
    await this.leaseEnd.letGo(leaseIds, caller).catch((error: unknown) => {
      this.log.warn(
        { leases: leaseIds.length, ...safeErrorFields(error) },
        'leases of the gateway were left to their own end',
      );
    });
  }
}

function keyOf(runRef: string, credential: string): string {
  return `${runRef} ${credential}`;
}
