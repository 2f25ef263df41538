import type { LimitState } from './admission-request.js';

/** Units of quota, by the first part of a limit's name; money has none that the draft knows, and is not shown. */
const UNITS: ReadonlyMap<string, string> = new Map([
  ['calls', 'requests'],
  ['bytes', 'content-bytes'],
  ['concurrent', 'concurrent-requests'],
]);

/**
 * The fields `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers-10): lists of structured fields
 * (RFC 9651), one item for each limit of a tool. Empty where the tool has none.
 */
export function rateLimitHeaders(limits: readonly LimitState[]): Record<string, string> {
  let policies = '';
  let states = '';
  for (const { name, limit, remaining, resetSeconds, windowSeconds } of limits) {
    const unit = UNITS.get(name.slice(0, name.indexOf('/')));
    if (unit === undefined) continue;
    const separator = policies === '' ? '' : ', ';
    const windowed = windowSeconds > 0;
    policies += `${separator}"${name}";q=${limit};qu="${unit}"${windowed ? `;w=${windowSeconds}` : ''}`;
    states += `${separator}"${name}";r=${remaining}${windowed ? `;t=${resetSeconds}` : ''}`;
  }
  return policies === '' ? {} : { 'ratelimit-policy': policies, ratelimit: states };
}
