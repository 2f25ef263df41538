import { BrokerError } from '../kernel/broker-error.js';
import type { Credential, Delivery } from '../credential/credential.js';
import { checkLive } from './grant-live.js';
import type { Grant } from './grant.js';

/** What a grant allows for one lease. */
export interface LeasePermission {
  /** Seconds that the lease lives unless it is renewed. */
  readonly ttlSeconds: number;
  /** Seconds that it may live with every renewal, before the run's deadline and the grant's expiry are looked at. */
  readonly maxTtlSeconds: number;
  readonly delivery: Delivery;
}

/**
 * Decides whether the grant allows a worker a lease of the credential in this way. Refuses with `grant_not_active`,
 * `credential_not_granted`, `credential_disabled`, `delivery_refused` or `ttl_refused`. What is not asked for is the
 * catalogue's default, shortened to what is allowed; what is asked for is given or refused, never shortened.
 */
export function leasePermission(
  grant: Grant,
  credential: Credential,
  wanted: { readonly ttlSeconds?: number | undefined; readonly delivery?: Delivery | undefined },
  now?: Date,
): LeasePermission {
  checkLive(grant, now);
  const granted = grantedCredential(grant, credential);
  if (granted === undefined)
    throw new BrokerError('credential_not_granted', {
      field: 'credential',
      detail: `grant ${grant.name} does not have ${credential.name}`,
    });
  checkEnabled(credential);
  const maxTtlSeconds = Math.min(credential.maxTtlSeconds, granted.maxTtlSeconds ?? Infinity);
  return {
    ttlSeconds: ttl(wanted.ttlSeconds, Math.min(credential.defaultTtlSeconds, maxTtlSeconds), maxTtlSeconds),
    maxTtlSeconds,
    delivery: delivery(wanted.delivery, credential.deliveries, granted.deliveries),
  };
}

/**
 * Decides whether the gateway may hold the credential for a run of the grant, whose tools name it: the grant need not
 * list it, and where it does, only the longest life counts. Refuses with `grant_not_active`, `credential_disabled` or
 * `delivery_refused`.
 */
export function gatewayPermission(grant: Grant, credential: Credential, now?: Date): LeasePermission {
  checkLive(grant, now);
  checkEnabled(credential);
  if (!credential.deliveries.includes('gateway'))
    throw new BrokerError('delivery_refused', {
      field: 'delivery',
      detail: `the catalogue does not let the gateway use ${credential.name}`,
    });
  const granted = grantedCredential(grant, credential);
  const maxTtlSeconds = Math.min(credential.maxTtlSeconds, granted?.maxTtlSeconds ?? Infinity);
  return {
    ttlSeconds: Math.min(credential.defaultTtlSeconds, maxTtlSeconds),
    maxTtlSeconds,
    delivery: 'gateway',
  };
}

function grantedCredential(
  grant: Grant,
  credential: Credential,
): Grant['spec']['credentials'][number] | undefined {
  return grant.spec.credentials.find(({ name }) => name === credential.name);
}

function checkEnabled(credential: Credential): void {
  if (!credential.enabled)
    throw new BrokerError('credential_disabled', { detail: `${credential.name} is disabled` });
}

function ttl(wanted: number | undefined, usual: number, longest: number): number {
  if (wanted === undefined) return usual;
  if (Number.isInteger(wanted) && wanted >= 1 && wanted <= longest) return wanted;
  throw new BrokerError('ttl_refused', {
    field: 'ttl_seconds',
    detail: `is not a whole number from 1 to ${longest}`,
  });
}

function delivery(
  wanted: Delivery | undefined,
  offered: readonly Delivery[],
  granted: readonly Delivery[] | undefined,
): Delivery {
  // What the gateway holds never reaches a worker, whoever asks for it and whatever a grant says.
  const allowed = offered.filter((each) => each !== 'gateway' && (granted?.includes(each) ?? true));
  const chosen = wanted ?? allowed[0];
  if (chosen !== undefined && allowed.includes(chosen)) return chosen;
  throw new BrokerError('delivery_refused', {
    field: 'delivery',
    detail: allowed.length === 0 ? 'no delivery is left that both allow' : `may be ${allowed.join(' or ')}`,
  });
}
