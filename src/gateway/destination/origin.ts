import { BrokerError } from '../../kernel/broker-error.js';
import { parseHost, type ParsedHost } from './host.js';

/** The front of a URL, read from its text. */
export interface ParsedOrigin {
  readonly scheme: 'http' | 'https';
  readonly host: ParsedHost;
  /** As `URL.origin` spells it. */
  readonly origin: string;
  /** Everything behind the authority: a path, or nothing. */
  readonly rest: string;
}

/**
 * Reads scheme, host and port of a URL or of a URL template as somebody wrote it. URL parsers repair what they are
 * given (backslashes, tabs, missing slashes, userinfo); here all of that is refused instead, so that what a person
 * reads is where the call goes.
 *
 * @throws BrokerError `destination_refused`, whose detail says why.
 */
export function parseOrigin(text: string): ParsedOrigin {
  const match = /^(https?):\/\/([^/?#]*)/.exec(text);
  if (match === null) throw refused('a URL begins with https://, or http:// for internal tools');
  const [front, scheme = '', authority = ''] = match;
  // Everything that some parser skips, or takes for a slash.
  if (/[\x00-\x20\x7f\\]/.test(text)) throw refused('a URL has no spaces, control characters or backslashes');
  if (authority.includes('@')) throw refused('a URL carries no userinfo');
  const port = /:(\d*)$/.exec(authority);
  const host = parseHost(port === null ? authority : authority.slice(0, port.index));
  if (port !== null && !/^[1-9]\d{0,4}$/.test(port[1] ?? '')) throw refused('the port is no number');
  const spelled = host.kind === 'ipv6' ? `[${host.host}]` : host.host;
  const candidate = `${scheme}://${spelled}${port?.[0] ?? ''}`;
  const url = URL.canParse(candidate) ? new URL(candidate) : undefined;
  // The parser that is used for sending has to see the same host.
  if (url === undefined || url.hostname !== spelled) throw refused('the host is read in two ways');
  return {
    scheme: scheme === 'http' ? 'http' : 'https',
    host,
    origin: url.origin,
    rest: text.slice(front.length),
  };
}

function refused(detail: string): BrokerError {
  return new BrokerError('destination_refused', { detail });
}
