import { BrokerError } from '../../kernel/broker-error.js';

const DAY_MS = 86_400_000;
const MOST_DAYS = 3_660;

/** Days of UTC, as `2026-03-15`; `to` is the first one that is not in it. */
export interface DayRange {
  readonly from: string;
  readonly to: string;
}

/** The day of UTC that a moment is in, or some days later. */
export function utcDay(moment: Date, later = 0): string {
  return new Date(moment.getTime() + later * DAY_MS).toISOString().slice(0, 10);
}

/** The range that was asked for; without a beginning, that many days up to its end; without an end, up to now. */
export function dayRange(
  asked: { readonly from?: string | undefined; readonly to?: string | undefined },
  now: Date,
  usualDays: number,
): DayRange {
  const to = asked.to ?? utcDay(now, 1);
  const from = asked.from ?? utcDay(new Date(to), -usualDays);
  const days = (Date.parse(to) - Date.parse(from)) / DAY_MS;
  if (days > 0 && days <= MOST_DAYS) return { from, to };
  throw new BrokerError('request_invalid', {
    field: 'to',
    detail: days > 0 ? `is more than ${MOST_DAYS} days after from` : 'is not after from',
  });
}
