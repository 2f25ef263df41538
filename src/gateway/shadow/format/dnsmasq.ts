import type { ReadLine } from '../egress-record.js';
import { addressField, hostField } from './host-field.js';

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];
const DAY_MS = 86_400_000;

const LINE =
  /^([A-Z][a-z]{2}) +(\d{1,2}) (\d{2}):(\d{2}):(\d{2})(?: \S+)? dnsmasq(?:\[\d+\])?: (?:\d+ \S+ )?(\S+) (\S+)(?: from (\S+))?/;

/**
 * The log of dnsmasq with `log-queries`, also with `=extra`
 * (https://thekelleys.org.uk/dnsmasq/docs/dnsmasq-man.html). Times are taken for UTC; the year is the latest that does
 * not lie ahead of when the log was received.
 */
export function readDnsmasq(line: string, receivedAt: Date): ReadLine {
  const [whole, month = '', day, hour, minute, second, verb = '', name, client] = LINE.exec(line) ?? [];
  if (whole === undefined) return /\bdnsmasq(-dhcp|-tftp)?(\[\d+\])?:/.test(line) ? 'other' : 'unreadable';
  if (!/^query\[[A-Z0-9-]+\]$/.test(verb)) return 'other';
  const at = (year: number): Date =>
    new Date(
      Date.UTC(year, MONTHS.indexOf(month), Number(day), Number(hour), Number(minute), Number(second)),
    );
  const host = hostField(name);
  if (!MONTHS.includes(month) || host === undefined) return 'unreadable';
  const year = receivedAt.getUTCFullYear();
  const ahead = at(year).getTime() > receivedAt.getTime() + DAY_MS;
  const source = addressField(client);
  return {
    at: at(ahead ? year - 1 : year),
    host,
    evidence: 'dns',
    allowed: true,
    ...(source === undefined ? {} : { source }),
    count: 1,
  };
}
