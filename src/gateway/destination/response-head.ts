/** What the head of an answer came to. */
export type ResponseHead =
  | { readonly headers: Readonly<Record<string, string>> }
  /** Why it is not passed on; for the log. */
  | { readonly refused: string };

const MOST_HEADERS = 128;
const NAME = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/;

/** Where two values would let two readers read two answers. */
const ONCE: ReadonlySet<string> = new Set([
  'content-length',
  'content-type',
  'content-range',
  'transfer-encoding',
  'location',
]);

/**
 * Checks and joins the headers of a final answer, given as name, value, name, value. The parser already refuses bare
 * LF and CR, folded lines, NUL, both ways of framing at once and lengths that are no numbers; it takes more framings
 * than `chunked`, though, where whoever else reads the connection may disagree about where the answer ends.
 */
export function readHead(status: number, raw: readonly (Buffer | string)[]): ResponseHead {
  if (status < 200 || status > 599) return { refused: 'a status that HTTP does not have' };
  if (raw.length > 2 * MOST_HEADERS) return { refused: 'too many headers' };
  // Without a prototype, so that a header `__proto__` is a header.
  const headers = Object.create(null) as Record<string, string>;
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = textOf(raw[index]).toLowerCase();
    const value = textOf(raw[index + 1]).trim();
    if (!NAME.test(name) || CONTROL.test(value)) return { refused: 'a header with characters that none has' };
    if (name === 'set-cookie') continue;
    const before = headers[name];
    if (before !== undefined && ONCE.has(name)) return { refused: `the header ${name} twice` };
    headers[name] = before === undefined ? value : `${before}, ${value}`;
  }
  const refused = framingFault(status, headers);
  return refused === undefined ? { headers } : { refused };
}

function framingFault(status: number, headers: Readonly<Record<string, string>>): string | undefined {
  const length = headers['content-length'];
  const coding = headers['transfer-encoding'];
  if (length !== undefined && coding !== undefined) return 'a length and a transfer coding';
  if (length !== undefined && !/^\d{1,15}$/.test(length)) return 'a length that is no number';
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') return 'a transfer coding besides chunked';
  if (status === 204 && (coding !== undefined || (length ?? '0') !== '0')) return 'no content, with a length';
  return undefined;
}

function textOf(part: Buffer | string | undefined): string {
  if (part === undefined) return '';
  return typeof part === 'string' ? part : part.toString('latin1');
}
