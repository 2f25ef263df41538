const SCRUBBED = '[scrubbed]';
const LONGEST_ERROR = 300;
const MOST_ERRORS = 4;

/** What looks like a secret inside Vault's text, whatever its origin. */
const PATTERNS: readonly RegExp[] = [
  // Vault and OpenBao tokens: service, batch, recovery; the older short prefix too.
  /\b(?:hv[sbr]|[sbr])\.[A-Za-z0-9_-]{8,}/g,
  // JWTs, whole or cut.
  /\beyJ[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){0,2}/g,
  /-----BEGIN[\s\S]*?(?:-----END[^-]*-----|$)/g,
  // Credentials in a URL, and `password '…'` as a database driver quotes it.
  /(?<=:\/\/)[^\s/@]+@/g,
  /(?<=\b(?:password|passwd|pwd|secret)["']?)(?:\s*[:=]\s*|\s+(?=["']))(?:"[^"]*(?:"|$)|'[^']*(?:'|$)|[^\s,;)"']+)/gi,
  // Generated passwords: long runs that mix digits, upper and lower case.
  /(?=[\w+=-]*\d)(?=[\w+=-]*[a-z])(?=[\w+=-]*[A-Z])[\w+=-]{16,}/g,
];

/**
 * The error strings of a Vault answer as a log may keep them: the exact secrets of the request and everything that
 * looks like a secret replaced, line breaks folded, at most four of at most 300 characters.
 */
export function scrubErrors(body: unknown, secrets: readonly string[]): readonly string[] {
  if (typeof body !== 'object' || body === null || !('errors' in body) || !Array.isArray(body.errors))
    return [];
  return body.errors
    .filter((error): error is string => typeof error === 'string')
    .slice(0, MOST_ERRORS)
    .map((error) => scrubText(error, secrets));
}

/** One text, scrubbed as by {@link scrubErrors}. */
export function scrubText(text: string, secrets: readonly string[]): string {
  // Cut only what no pattern has to read any more, or half a secret would be left at the cut.
  let clean = text.slice(0, 16 * LONGEST_ERROR);
  for (const secret of secrets) if (secret.length >= 4) clean = clean.replaceAll(secret, SCRUBBED);
  for (const pattern of PATTERNS) clean = clean.replace(pattern, SCRUBBED);
  return clean.replace(/\s+/g, ' ').trim().slice(0, LONGEST_ERROR);
}
