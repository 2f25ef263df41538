import { hasCode } from '../../kernel/broker-error.js';
import { parseHost } from '../destination/host.js';
import { decodeText, encodeSegment, encodeText, parameterRefused, scalarText } from './path-segment.js';

/** One segment of a path: literal texts with the names of parameters between them. */
type Part = { readonly literal: string } | { readonly name: string };
interface Segment {
  readonly parts: readonly Part[];
  /** The encoded segment, where it has no parameter. */
  readonly fixed: string | undefined;
  /** Finds the parameters' values in a decoded segment. */
  readonly pattern: RegExp;
}

const SHAPE = /^(https?):\/\/([^/?#]+)(\/[^?#]*)?$/i;
const PLACEHOLDER = /\{([A-Za-z_][A-Za-z0-9_.\-[\]]{0,127})\}/g;
/** Longest URL that is made, in characters; what servers commonly take. */
const LONGEST_URL = 8_000;

/**
 * An explicit URL: scheme, host, perhaps a port, and a path in which `{name}` stands for one segment or a part of one.
 * Nothing that a caller says can lead to another host, or to a path of another shape.
 */
export class UrlTemplate {
  private constructor(
    /** Scheme, host and port, as `URL.origin` says them. */
    readonly origin: string,
    readonly host: string,
    private readonly segments: readonly Segment[],
    /** Names of the parameters, in order. */
    readonly names: readonly string[],
  ) {}

  /** Reads a template; throws a `TypeError` that says what is wrong. Plain http is for `internal` hosts alone. */
  static of(text: string, { internal }: { readonly internal: boolean }): UrlTemplate {
    const [, scheme, authority, path = '/'] = SHAPE.exec(text) ?? [];
    if (scheme === undefined || authority === undefined)
      throw new TypeError('is not an absolute http(s) URL without query and fragment');
    if (scheme !== 'https' && !(internal && scheme === 'http'))
      throw new TypeError('is not https; plain http is for internal tools alone, in lower case');
    const base = new URL(`${scheme}://${checkAuthority(authority)}`);
    const segments = path.slice(1).split('/').map(readSegment);
    const last = segments.length - 1;
    segments.forEach(({ fixed }, index) => {
      if (fixed === '' && index < last) throw new TypeError('has an empty path segment');
    });
    const names = segments.flatMap(({ parts }) =>
      parts.flatMap((part) => ('name' in part ? [part.name] : [])),
    );
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) throw new TypeError(`names {${twice}} twice`);
    return new UrlTemplate(base.origin, base.hostname, segments, names);
  }

  /**
   * The URL with every parameter in its place, and an encoded query; `parameter_refused` with a pointer for a value that
   * has no place.
   */
  fill(values: Readonly<Record<string, unknown>>, search = ''): URL {
    let path = '';
    for (const { parts, fixed } of this.segments) path += `/${fixed ?? encodeParts(parts, values)}`;
    const text = this.origin + path + (search === '' ? '' : `?${search}`);
    if (text.length > LONGEST_URL)
      throw parameterRefused('', `makes a URL longer than ${LONGEST_URL} characters`);
    const url = new URL(text);
    // The parser resolves what it takes for dot segments; a URL that it changed is not the one that was checked.
    if (url.href !== text) throw parameterRefused('', 'makes a URL that reads differently elsewhere');
    return url;
  }

  /** The parameters of an encoded path, if it is of this shape; as texts, not checked any further. */
  match(path: string): Readonly<Record<string, string>> | undefined {
    if (!path.startsWith('/')) return undefined;
    const given = path.slice(1).split('/');
    if (given.length !== this.segments.length) return undefined;
    const values: Record<string, string> = {};
    for (const [index, { pattern, parts }] of this.segments.entries()) {
      const decoded = decodeText(given[index] ?? '');
      const found = decoded === undefined ? null : pattern.exec(decoded);
      if (found === null) return undefined;
      const names = parts.flatMap((part) => ('name' in part ? [part.name] : []));
      names.forEach((name, position) => (values[name] = found[position + 1] ?? ''));
    }
    return values;
  }
}

function checkAuthority(authority: string): string {
  const [, host = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(authority) ?? [];
  if (host === '') throw new TypeError('does not name a host, or names more than host and port');
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535 || port.startsWith('0')))
    throw new TypeError('names a port that there is not');
  try {
    const parsed = parseHost(host);
    const name = parsed.kind === 'ipv6' ? `[${parsed.host}]` : parsed.host;
    return port === undefined ? name : `${name}:${port}`;
  } catch (error) {
    if (hasCode(error, 'destination_refused')) throw new TypeError(error.detail, { cause: error });
    throw error;
  }
}

function readSegment(text: string): Segment {
  const parts: Part[] = [];
  let at = 0;
  for (const match of text.matchAll(PLACEHOLDER)) {
    if (match.index === at && at > 0)
      throw new TypeError('has two parameters with nothing between them, which cannot be told apart');
    if (match.index > at) parts.push({ literal: readLiteral(text.slice(at, match.index)) });
    parts.push({ name: match[1] ?? '' });
    at = match.index + match[0].length;
  }
  if (at < text.length) parts.push({ literal: readLiteral(text.slice(at)) });
  const literal = parts.map((part) => ('literal' in part ? part.literal : '')).join('');
  const isFixed = parts.every((part) => 'literal' in part);
  if (isFixed && text !== '') checkFixed(literal);
  const pattern = parts.map((part) => ('literal' in part ? escapeRegExp(part.literal) : '([^]+?)')).join('');
  return { parts, fixed: isFixed ? encodeLiteral(literal) : undefined, pattern: new RegExp(`^${pattern}$`) };
}

function readLiteral(text: string): string {
  if (/[{}]/.test(text)) throw new TypeError('has a brace that is not part of {name}');
  if (!/^(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})*$/.test(text))
    throw new TypeError('has a character in its path that has to be percent-encoded');
  const decoded = decodeText(text);
  if (decoded === undefined || /[/\\%]/.test(decoded))
    throw new TypeError('has an encoded separator or percent sign in its path');
  return decoded;
}

function checkFixed(literal: string): void {
  try {
    encodeSegment(literal);
  } catch (error) {
    throw new TypeError(`a segment of its path ${error instanceof Error ? error.message : ''}`, {
      cause: error,
    });
  }
}

function encodeParts(parts: readonly Part[], values: Readonly<Record<string, unknown>>): string {
  const named = parts.find((part) => 'name' in part);
  const field = named === undefined ? '/path' : `/path/${named.name}`;
  let segment = '';
  for (const part of parts) {
    const text = 'literal' in part ? part.literal : scalarText(values[part.name]);
    if (text === undefined || text === '')
      throw parameterRefused('name' in part ? `/path/${part.name}` : field, 'is not a text or a number');
    segment += text;
  }
  try {
    encodeSegment(segment);
  } catch (error) {
    throw parameterRefused(field, error instanceof Error ? error.message : 'is not one segment');
  }
  return parts
    .map((part) =>
      'literal' in part ? encodeLiteral(part.literal) : encodeText(scalarText(values[part.name]) ?? ''),
    )
    .join('');
}

/** Sub-delimiters stay as they are in what the author of the tool wrote: `/v1/models:batch` is spelt so for a reason. */
function encodeLiteral(text: string): string {
  return encodeURIComponent(text).replace(/%(21|24|26|27|28|29|2A|2B|2C|3B|3D|3A|40)/g, (encoded) =>
    decodeURIComponent(encoded),
  );
}

function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
}
