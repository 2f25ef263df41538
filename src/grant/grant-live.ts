import { BrokerError } from '../kernel/broker-error.js';
import type { Grant } from './grant.js';

/**
 * Refuses a grant that is not active with `grant_not_active`; with a time, also one that is past its expiry and that
 * the scheduler has not come to yet.
 */
export function checkLive(grant: Pick<Grant, 'name' | 'state' | 'expiresAt'>, now?: Date): void {
  if (grant.state !== 'active')
    throw new BrokerError('grant_not_active', { detail: `grant ${grant.name} is ${grant.state}` });
  if (now !== undefined && isPast(grant, now))
    throw new BrokerError('grant_not_active', { detail: `grant ${grant.name} is expired` });
}

/** Whether a grant's time is over. */
export function isPast(grant: Pick<Grant, 'expiresAt'>, now: Date): boolean {
  return grant.expiresAt !== null && grant.expiresAt.getTime() <= now.getTime();
}
