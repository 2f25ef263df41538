/** When and how often a request is tried again. */
export interface RetryPolicy {
  /** Attempts in all, the first one included. */
  readonly attempts: number;
  /** Wait after the first failed attempt; doubles with each further one. */
  readonly baseMs: number;
  /** Longest wait between two attempts; a longer `Retry-After` is not waited for. */
  readonly maxMs: number;
}

export const DEFAULT_RETRY: RetryPolicy = { attempts: 5, baseMs: 200, maxMs: 10_000 };

/**
 * The wait after failed attempt number `attempt` (from 1): exponential, with the upper half of it left to chance, so
 * that workers which failed together do not come back together. `undefined` when there is no further attempt.
 */
export function retryDelayMs(
  policy: RetryPolicy,
  attempt: number,
  fraction: number,
  retryAfterMs: number | undefined,
): number | undefined {
  if (attempt >= policy.attempts) return undefined;
  if (retryAfterMs !== undefined && retryAfterMs > policy.maxMs) return undefined;
  const exponential = Math.min(policy.maxMs, policy.baseMs * 2 ** (attempt - 1));
  const jittered = exponential / 2 + (exponential / 2) * fraction;
  if (retryAfterMs === undefined) return jittered;
  // Those who were told the same moment do not come back at it.
  const spread = Math.min(policy.maxMs, retryAfterMs + (exponential / 2) * fraction);
  return Math.max(jittered, spread);
}

/** Reads a `Retry-After` header: seconds or an HTTP date (RFC 9110 §10.2.3). `undefined` when it is neither. */
export function parseRetryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1000;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}
