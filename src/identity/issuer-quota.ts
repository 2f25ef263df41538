import { Injectable } from '@nestjs/common';
import { BrokerError } from '../kernel/broker-error.js';
import { Clock } from '../kernel/clock.js';
import type { IssuerSettings } from '../settings/issuer-schema.js';
import { TokenBucket } from './token-bucket.js';

/**
 * Limits how many verified tokens of one issuer a replica takes a minute. Counted after the signature, so that
 * forged tokens cannot use up the quota of those who hold real ones. Memory: one bucket per configured issuer.
 */
@Injectable()
export class IssuerQuota {
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(private readonly clock: Clock) {}

  /** Counts one; refuses with `issuer_quota_exceeded` and when to come back. */
  take(issuer: IssuerSettings): void {
    let bucket = this.#buckets.get(issuer.name);
    if (bucket === undefined) {
      bucket = new TokenBucket(issuer.quotaPerMinute, 60_000, this.clock);
      this.#buckets.set(issuer.name, bucket);
    }
    if (!bucket.take()) {
      throw new BrokerError('issuer_quota_exceeded', {
        retryAfterSeconds: Math.ceil(bucket.waitMs / 1_000),
        internal: `quota of issuer ${issuer.name}`,
      });
    }
  }
}
