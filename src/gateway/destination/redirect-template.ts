import { LRUCache } from 'lru-cache';
import { BrokerError } from '../../kernel/broker-error.js';
import { parseOrigin } from './origin.js';

const PLACEHOLDER = /\{[A-Za-z_][A-Za-z0-9_.-]{0,127}\}/g;
/** Dots, separators and percent signs in disguise: what a server may decode into another path. */
const DISGUISED = /%(2e|2f|5c|25|00)|\\/i;
const MOST_TEMPLATES = 4_096;

const compiled = new LRUCache<string, RedirectTemplate>({ max: MOST_TEMPLATES });

/**
 * A place that a tool's provider may redirect to: scheme, host and port as written, and a path in which each `{name}`
 * stands for some characters of one segment. The query is free, since that is where stores put their signatures.
 */
export class RedirectTemplate {
  private constructor(
    private readonly origin: string,
    private readonly path: readonly (readonly string[])[],
    private readonly semicolons: number,
  ) {}

  /** @throws BrokerError `request_invalid` when it is no such template; `destination_refused` for its host. */
  static of(template: string): RedirectTemplate {
    const known = compiled.get(template);
    if (known !== undefined) return known;
    const { origin, rest } = parseOrigin(template);
    if (!rest.startsWith('/') || /[?#]/.test(rest) || DISGUISED.test(rest)) {
      throw new BrokerError('request_invalid', {
        detail: 'A redirect template is a scheme, a host and a plain path.',
      });
    }
    const path = rest.split('/').map((segment) => segment.split(PLACEHOLDER));
    if (path.some((parts) => parts.some((part) => /[{}]/.test(part)))) {
      throw new BrokerError('request_invalid', { detail: 'A redirect template has a brace without a name.' });
    }
    const made = new RedirectTemplate(origin, path, semicolonsIn(rest));
    compiled.set(template, made);
    return made;
  }

  /** Whether a redirect may lead there. */
  matches(url: URL): boolean {
    if (url.origin !== this.origin || url.username !== '' || url.password !== '') return false;
    // A semicolon that the template does not have is in a parameter: `..;` is a parent directory to some servers.
    if (DISGUISED.test(url.pathname) || semicolonsIn(url.pathname) !== this.semicolons) return false;
    const segments = url.pathname.split('/');
    if (segments.length !== this.path.length) return false;
    return segments.every((segment, index) => fits(segment, this.path[index] ?? []));
  }
}

function semicolonsIn(path: string): number {
  return path.split(';').length - 1;
}

/** Whether a segment is these parts in order, with at least one character in each gap; linear, no pattern engine. */
function fits(segment: string, parts: readonly string[]): boolean {
  const [first = '', ...rest] = parts;
  const last = rest.pop();
  if (last === undefined) return segment === first;
  if (!segment.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = segment.indexOf(part, at + 1);
    if (found < 0) return false;
    at = found + part.length;
  }
  return segment.length - last.length > at && segment.endsWith(last);
}
