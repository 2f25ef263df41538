import type { ReadLine } from '../egress-record.js';
import { addressField, hostField, textField } from './host-field.js';

/**
 * Squid's native access log (https://wiki.squid-cache.org/Features/LogFormat): time, duration, client, result/status,
 * bytes, method, URL, user, hierarchy/peer, type. `CONNECT` names host and port, everything else a URL.
 */
export function readSquid(line: string): ReadLine {
  const [time = '', , client, result, , method, url = '', user] = line.trim().split(/\s+/);
  if (!/^\d{9,11}\.\d{1,6}$/.test(time) || result === undefined || !/^[A-Z_]+\/\d{3}$/.test(result))
    return 'unreadable';
  if (url.startsWith('error:') || method === 'NONE' || method === '-') return 'other';
  const host = method === 'CONNECT' ? hostField(url) : hostOfUrl(url);
  if (host === undefined) return 'unreadable';
  const source = addressField(client);
  const who = textField(user);
  return {
    at: new Date(Math.round(Number(time) * 1_000)),
    host,
    evidence: 'request',
    allowed: !/DENIED/.test(result),
    ...(source === undefined ? {} : { source }),
    ...(who === undefined ? {} : { user: who }),
    count: 1,
  };
}

function hostOfUrl(url: string): string | undefined {
  return URL.canParse(url) ? hostField(new URL(url).hostname) : undefined;
}
