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
  const shown = limits.flatMap((limit) => {
    const unit = UNITS.get(limit.name.split('/')[0] ?? '');
    return unit === undefined ? [] : [{ ...limit, unit }];
  });
  if (shown.length === 0) return {};
  return {
    'ratelimit-policy': shown
      .map(({ name, limit, unit, windowSeconds }) => {
        const window = windowSeconds > 0 ? `;w=${windowSeconds}` : '';
        return `"${name}";q=${limit};qu="${unit}"${window}`;
      })
      .join(', '),
    ratelimit: shown
      .map(({ name, remaining, resetSeconds, windowSeconds }) => {
        const reset = windowSeconds > 0 ? `;t=${resetSeconds}` : '';
        return `"${name}";r=${remaining}${reset}`;
      })
      .join(', '),
  };
}
