import { Injectable } from '@nestjs/common';
import pLimit, { type LimitFunction } from 'p-limit';
import { Clock } from '../kernel/clock.js';
import { Settings } from '../settings/schema.js';
import { CircuitBreaker } from './circuit-breaker.js';
import { Pace } from './pace.js';

/** Failures in a row after which a mount is left alone for a moment. */
const BREAKER = { failures: 5, openMs: 5_000 };
/** Leases that are claimed at a time, for each that is worked on at once. */
const LOT_PER_PLACE = 8;

/** Tokens that are revoked at once, at each mount. */
const ASIDE_AT_ONCE = 2;

/** What revocations at one Vault mount share in this process: so many at once and a second, and none while it is down. */
export interface MountLane {
  readonly mount: string;
  /** How many revocations the target works on at once. */
  readonly concurrency: number;
  /** Runs work in a place of the target. */
  readonly limit: LimitFunction;
  /** Runs what Vault does by itself, a few at once: many together would hold up what the target waits for. */
  readonly aside: LimitFunction;
  readonly pace: Pace;
  readonly breaker: CircuitBreaker;
  /** How many leases to claim at a time: few enough that the last is begun long before its claim ends. */
  readonly lot: number;
}

/**
 * The lanes of this process, one a mount, so that a dead target does not stall the others. Places, pace and breaker are
 * each replica's own: a target bears at most the replicas' sum.
 */
@Injectable()
export class MountLanes {
  readonly #lanes = new Map<string, MountLane>();

  constructor(
    private readonly settings: Settings,
    private readonly clock: Clock,
  ) {}

  /** The lane of a mount; the same one each time. Mounts come from the catalogue, so they are few. */
  of(mount: string): MountLane {
    let lane = this.#lanes.get(mount);
    if (lane === undefined) {
      lane = this.make(mount);
      this.#lanes.set(mount, lane);
    }
    return lane;
  }

  /** The lanes that something was revoked in since the start. */
  all(): readonly MountLane[] {
    return [...this.#lanes.values()];
  }

  private make(mount: string): MountLane {
    const { leases } = this.settings.values;
    // An own property only: a mount may be called as something that every object has.
    const own = Object.hasOwn(leases.targets, mount) ? leases.targets[mount] : undefined;
    const concurrency = own?.concurrency ?? leases.revokeConcurrencyPerMount;
    const perSecond = own?.perSecond ?? leases.revokePerSecondPerMount;
    const inQuarterOfClaim = Math.max(1, Math.floor(((perSecond ?? Infinity) * leases.claimSeconds) / 4));
    return {
      mount,
      concurrency,
      limit: pLimit(concurrency),
      aside: pLimit(ASIDE_AT_ONCE),
      pace: new Pace(this.clock, perSecond),
      breaker: new CircuitBreaker(this.clock, BREAKER),
      lot: Math.min(concurrency * LOT_PER_PLACE, inQuarterOfClaim),
    };
  }
}
