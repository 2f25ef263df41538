const DAY_MS = 86_400_000;
const OLDEST_DAYS = 400;

/** Before it nothing is looked at, and nothing that was found is kept. */
export function oldestPlausible(now: Date): Date {
  return new Date(now.getTime() - OLDEST_DAYS * DAY_MS);
}

/** Whether a log can have it: not from tomorrow on, and not from before anybody would still look. */
export function isPlausible(at: Date, now: Date): boolean {
  return at.getTime() <= now.getTime() + DAY_MS && at >= oldestPlausible(now);
}
