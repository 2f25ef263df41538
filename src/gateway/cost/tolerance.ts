/** Providers round each line of a bill: less than this is nothing to look at (a cent, of most currencies). */
const LEAST_MICROS = 10_000;

/** Whether two sums are as near to each other as they have to be, in per cent of the larger one. */
export function isWithin(percent: number, oursMicros: number, theirsMicros: number): boolean {
  const difference = Math.abs(oursMicros - theirsMicros);
  return difference <= LEAST_MICROS || difference * 100 <= percent * Math.max(oursMicros, theirsMicros);
}
