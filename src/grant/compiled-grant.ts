import { compileConditions, type Conditions } from './conditions.js';
import { UNSTORABLE } from '../credential/spec.js';
import { readClaim, type Claims } from './claim-path.js';
import type { Grant } from './grant.js';

/** A grant at one version with its conditions ready to ask. */
export interface CompiledGrant {
  readonly grant: Grant;
  readonly conditions: Conditions;
}

/** Compiles a saved grant; throws if this version of the software cannot, in which case it must match nothing. */
export function compileGrant(grant: Grant): CompiledGrant {
  return { grant, conditions: compileConditions(grant.spec.workload) };
}

/** The claims of a token that the grant's conditions name; nothing else of it is kept. */
export function namedClaims(grant: Grant, claims: Claims): Record<string, unknown> {
  const named: Record<string, unknown> = {};
  for (const name of Object.keys(grant.spec.workload.claims)) {
    const value = readClaim(claims, name);
    // What the database cannot store is left out rather than failing the exchange: it is kept for people to read.
    if (value !== undefined && !UNSTORABLE.test(JSON.stringify(value))) named[name] = value;
  }
  return named;
}
