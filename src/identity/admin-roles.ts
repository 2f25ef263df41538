import type { AuditReach } from '../audit/audit-reach.js';
import { ROLES, type Role } from '../kernel/caller.js';
import type { IssuerSettings, RoleBinding } from '../settings/issuer-schema.js';
import type { VerifiedToken } from './verified-token.js';

/**
 * The roles that the issuer's bindings give to a token; none when nothing matches. All claims of a binding must
 * match; a list in the binding means any of its values; a claim that is a list matches by any member. Only texts
 * match: `true` is not `"true"`.
 */
export function rolesOf(token: VerifiedToken, issuer: IssuerSettings): Role[] {
  const given = issuer.roles.filter((binding) => matches(token.claims, binding)).map(({ role }) => role);
  return ROLES.filter((role) => given.includes(role));
}

/**
 * What of the log the bindings let a token read. Roles add up: who is an admin, or an auditor by a binding without a
 * scope, reads everything.
 */
export function auditReachOf(token: VerifiedToken, issuer: IssuerSettings): AuditReach {
  const reading = issuer.roles.filter(
    (binding) => (binding.role === 'admin' || binding.role === 'auditor') && matches(token.claims, binding),
  );
  const scopes = reading.flatMap(({ audit }) => (audit === undefined ? [] : [audit]));
  return scopes.length < reading.length ? 'everything' : scopes;
}

function matches(claims: Readonly<Record<string, unknown>>, binding: RoleBinding): boolean {
  const wanted = Object.entries(binding.claims);
  // A binding without claims would match everybody.
  return wanted.length > 0 && wanted.every(([name, values]) => matchesOne(claims, name, [values].flat()));
}

function matchesOne(
  claims: Readonly<Record<string, unknown>>,
  name: string,
  wanted: readonly string[],
): boolean {
  if (!Object.hasOwn(claims, name)) return false;
  const held: unknown[] = [claims[name]].flat();
  return held.some((value) => typeof value === 'string' && wanted.includes(value));
}
