import { LeasegateError } from './leasegate-error.js';

/** How a credential is handed over, as asked for. */
export interface HandoverWishes {
  /** How long the old one works beside the new one. */
  readonly overlapMs: number;
  /** How long before that the new one is asked for, so that there is time for trouble. */
  readonly handoverMs: number;
}

/** When a credential is replaced. */
export interface Handover {
  /** Wait until the replacement is leased. */
  readonly rotateInMs: number;
  /** How long the old one is kept beside the new one. */
  readonly overlapMs: number;
}

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;
const SHORTEST_RETRY_MS = 200;
const QUARTER = 0.25;

/**
 * Plans the replacement of a credential that can live for `lifeMs` from now on. Overlap and window each take at most a
 * third of that, so the credential is in use for the first third whatever was asked for, and never more than two are
 * alive. `fraction` in [0, 1) spreads replacements over the first half of the window; the second half is for retries.
 */
export function handoverOf(lifeMs: number, wishes: HandoverWishes, fraction: number): Handover {
  const third = Math.max(0, lifeMs) / 3;
  const overlapMs = Math.min(wishes.overlapMs, third);
  const windowMs = Math.min(wishes.handoverMs, third);
  return { rotateInMs: Math.max(0, lifeMs) - overlapMs - windowMs + (windowMs / 2) * fraction, overlapMs };
}

/**
 * Wait after failed attempt number `failures` (from 1) to replace a credential that works for `remainingMs` more:
 * exponential up to 30 seconds with the upper half left to chance, and never beyond a quarter of what remains, so
 * that attempts become denser towards the end. A `Retry-After` of the broker is kept, with chance added.
 */
export function rotationRetryMs(
  failures: number,
  remainingMs: number,
  fraction: number,
  retryAfterMs: number | undefined,
): number {
  const longestMs = Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(failures - 1, 20));
  const jitteredMs = longestMs / 2 + (longestMs / 2) * fraction;
  const soonMs = remainingMs > 0 ? Math.min(jitteredMs, remainingMs * QUARTER) : jitteredMs;
  const waitMs = Math.max(SHORTEST_RETRY_MS, soonMs);
  return retryAfterMs === undefined ? waitMs : Math.max(waitMs, retryAfterMs * (1 + QUARTER * fraction));
}

/** Failures that the platform's next token cures. */
const IDENTITY_NOT_READY: ReadonlySet<string> = new Set([
  'identity_missing',
  'identity_source_failed',
  'token_expired',
  'token_not_yet_valid',
  'token_too_old',
  'token_replayed',
]);

/** Whether the same attempt may succeed a little later: a dependency is away, or the platform's token is not fresh yet. */
export function mayPass(error: unknown): boolean {
  if (!(error instanceof LeasegateError)) return true;
  return (
    error.retryable || error.status === 500 || error.code === 'conflict' || IDENTITY_NOT_READY.has(error.code)
  );
}
