/** The claims of a verified token. */
export type Claims = Readonly<Record<string, unknown>>;

/**
 * Checks the name of a claim: a top-level name as it stands in the token, or a JSON pointer (RFC 6901) to a member of
 * a nested claim, such as `/kubernetes.io/serviceaccount/name`. A dot is an ordinary character: real claim names have
 * them. Throws a `TypeError` that says what is wrong.
 */
export function checkClaimPath(path: string): void {
  if (path === '') throw new TypeError('names no claim');
  if (path.length > 256) throw new TypeError('is longer than 256 characters');
  if (path.startsWith('/') && /~(?![01])/.test(path)) throw new TypeError('is not a JSON pointer');
}

/** What the token says there; `undefined` if nothing. Only a token's own members count, never what objects inherit. */
export function readClaim(claims: Claims, path: string): unknown {
  if (!path.startsWith('/')) return member(claims, path);
  let value: unknown = claims;
  for (const key of path.slice(1).split('/'))
    value = member(value, key.replaceAll('~1', '/').replaceAll('~0', '~'));
  return value;
}

function member(value: unknown, key: string): unknown {
  // A list has no members by name: `/groups/0` would make the order of a list a decision.
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
}
