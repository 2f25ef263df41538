import { Injectable } from '@nestjs/common';
import pLimit, { type LimitFunction } from 'p-limit';
import { Clock } from '../kernel/clock.js';
import { Settings } from '../settings/schema.js';
import { CircuitBreaker } from './circuit-breaker.js';

/** Failures in a row after which a mount is left alone for a moment. */
const BREAKER = { failures: 5, openMs: 5_000 };

/** What revocations at one Vault mount share in this process: so many at once, and none while it is down. */
export interface MountLane {
  readonly mount: string;
  readonly limit: LimitFunction;
  readonly breaker: CircuitBreaker;
}

/** The lanes of this process, one a mount, so that a dead target does not stall the others. */
@Injectable()
export class MountLanes {
  readonly #lanes = new Map<string, MountLane>();

  constructor(
    private readonly settings: Settings,
    private readonly clock: Clock,
  ) {}

  /** How many revocations go on at once at each mount. */
  get concurrency(): number {
    return this.settings.values.leases.revokeConcurrencyPerMount;
  }

  /** The lane of a mount; the same one each time. Mounts come from the catalogue, so they are few. */
  of(mount: string): MountLane {
    let lane = this.#lanes.get(mount);
    if (lane === undefined) {
      lane = { mount, limit: pLimit(this.concurrency), breaker: new CircuitBreaker(this.clock, BREAKER) };
      this.#lanes.set(mount, lane);
    }
    return lane;
  }
}
