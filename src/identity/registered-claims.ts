import { BrokerError } from '../kernel/broker-error.js';

/** The claims of RFC 7519 §4.1 that every token must have, in the types that they must have. */
export interface RegisteredClaims {
  readonly subject: string;
  readonly audience: string[];
  /** Seconds since the epoch, as all times here; may have a fraction. */
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly notBefore: number | undefined;
  readonly authorizedParty: string | undefined;
}

const UNPRINTABLE = /[\p{Cc}\p{Cs}]/u;
const END_OF_YEAR_9999 = 253_402_300_799;

/** Reads the registered claims without any coercion: `"60"` is not a number. Refuses with `token_claim_type`. */
export function readRegisteredClaims(payload: Readonly<Record<string, unknown>>): RegisteredClaims {
  return {
    subject: text(payload, 'sub'),
    audience: audience(payload['aud']),
    issuedAt: time(payload, 'iat'),
    expiresAt: time(payload, 'exp'),
    notBefore: payload['nbf'] === undefined ? undefined : time(payload, 'nbf'),
    authorizedParty: payload['azp'] === undefined ? undefined : text(payload, 'azp'),
  };
}

function text(payload: Readonly<Record<string, unknown>>, claim: string): string {
  const value = payload[claim];
  if (typeof value !== 'string' || value === '') refuse(claim, 'a text that is not empty');
  // Subjects go into text columns and log lines; PostgreSQL takes neither NUL nor half a surrogate pair.
  if (UNPRINTABLE.test(value)) refuse(claim, 'a text without control characters');
  return value;
}

function time(payload: Readonly<Record<string, unknown>>, claim: string): number {
  const value = payload[claim];
  if (typeof value !== 'number' || !(value > 0) || value > END_OF_YEAR_9999)
    refuse(claim, 'a time in seconds');
  return value;
}

function audience(value: unknown): string[] {
  const list: unknown[] = Array.isArray(value) ? value : [value];
  if (!list.every((entry): entry is string => typeof entry === 'string' && entry !== '')) {
    refuse('aud', 'a text or a list of texts');
  }
  return list;
}

function refuse(claim: string, expected: string): never {
  throw new BrokerError('token_claim_type', { detail: `The claim ${claim} has to be ${expected}.` });
}
