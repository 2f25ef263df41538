import { BrokerError } from '../kernel/broker-error.js';
import type { IssuerSettings } from '../settings/issuer-schema.js';
import type { RegisteredClaims } from './registered-claims.js';

/** A check of verified claims under an issuer's settings; `now` in seconds since the epoch. Throws when it fails. */
export interface ClaimCheck {
  readonly name: string;
  readonly run: (claims: RegisteredClaims, issuer: IssuerSettings, now: number) => void;
}

/** The checks in the order in which a caller hears of them. Independent of each other. */
export const CLAIM_CHECKS: readonly ClaimCheck[] = [
  { name: 'audience', run: checkAudience },
  { name: 'authorized party', run: checkAuthorizedParty },
  { name: 'expiry', run: checkExpiry },
  { name: 'not before', run: checkNotBefore },
  { name: 'age', run: checkAge },
  { name: 'lifetime', run: checkLifetime },
];

/**
 * The configured audience must be named, and alone unless `allowExtraAudiences`: another party that the same token
 * is for could use it here. Refuses with `token_audience_refused`.
 */
export function checkAudience(claims: RegisteredClaims, issuer: IssuerSettings): void {
  const named = claims.audience.includes(issuer.audience);
  const alone = claims.audience.every((entry) => entry === issuer.audience);
  if (issuer.audience === '' || !named || !(alone || issuer.allowExtraAudiences)) {
    throw new BrokerError('token_audience_refused', {
      internal: `expected ${JSON.stringify(issuer.audience)}, found ${JSON.stringify(claims.audience)}`,
    });
  }
}

/**
 * OpenID Connect Core §3.1.3.7: an ID token for several audiences must name who it was issued to, and that must be
 * our login client. Access tokens name other clients there by design. Refuses with `token_audience_refused`.
 */
export function checkAuthorizedParty(claims: RegisteredClaims, issuer: IssuerSettings): void {
  if (claims.audience.length < 2 || issuer.login?.token !== 'id_token') return;
  if (claims.authorizedParty !== issuer.login.clientId && claims.authorizedParty !== issuer.audience) {
    throw new BrokerError('token_audience_refused', { internal: 'azp is not the login client' });
  }
}

function checkExpiry(claims: RegisteredClaims, issuer: IssuerSettings, now: number): void {
  if (now >= claims.expiresAt + issuer.skewSeconds) {
    throw new BrokerError('token_expired', { internal: `${seconds(now - claims.expiresAt)} ago` });
  }
}

function checkNotBefore(claims: RegisteredClaims, issuer: IssuerSettings, now: number): void {
  const from = Math.max(claims.notBefore ?? 0, claims.issuedAt);
  if (from > now + issuer.skewSeconds) {
    throw new BrokerError('token_not_yet_valid', { internal: `in ${seconds(from - now)}` });
  }
}

function checkAge(claims: RegisteredClaims, issuer: IssuerSettings, now: number): void {
  const age = now - claims.issuedAt;
  if (age > issuer.maxAgeSeconds + issuer.skewSeconds) {
    throw new BrokerError('token_too_old', {
      internal: `issued ${seconds(age)} ago, allowed ${issuer.maxAgeSeconds} s`,
    });
  }
}

function checkLifetime(claims: RegisteredClaims, issuer: IssuerSettings): void {
  const lifetime = claims.expiresAt - claims.issuedAt;
  if (!(lifetime > 0) || lifetime > issuer.maxLifetimeSeconds) {
    throw new BrokerError('token_lifetime_refused', {
      internal: `lives ${seconds(lifetime)}, allowed ${issuer.maxLifetimeSeconds} s`,
    });
  }
}

function seconds(value: number): string {
  return `${Math.round(value)} s`;
}
