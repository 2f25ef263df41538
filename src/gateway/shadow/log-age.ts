const DAY_MS = 86_400_000;
const OLDEST_DAYS = 400;

/** Whether a log can have it: not from tomorrow on, and not from before anybody would still look. */
export function isPlausible(at: Date, now: Date): boolean {
  const ageMs = now.getTime() - at.getTime();
  return ageMs >= -DAY_MS && ageMs <= OLDEST_DAYS * DAY_MS;
}
