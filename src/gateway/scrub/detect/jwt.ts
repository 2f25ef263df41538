/** Longest header that is read; more would let a hostile text be read again and again. */
const MAX_HEADER_CHARACTERS = 1_024;
/** What follows the header: payload and signature of RFC 7515, or the four further parts of RFC 7516. */
const REST =
  /\.[0-9A-Za-z_-]{0,65536}\.[0-9A-Za-z_-]{0,65536}(?:\.[0-9A-Za-z_-]{1,65536}\.[0-9A-Za-z_-]{1,65536})?/y;

/** Where the signed or encrypted token (JWS or JWE, compact) that begins at `at` ends; `at` where there is none. */
export function jwtEnd(text: string, at: number): number {
  const dot = text.slice(at, at + MAX_HEADER_CHARACTERS).indexOf('.');
  if (dot < 12 || !isHeader(text.slice(at, at + dot))) return at;
  REST.lastIndex = at + dot;
  return REST.test(text) ? REST.lastIndex : at;
}

function isHeader(encoded: string): boolean {
  try {
    const header: unknown = JSON.parse(Buffer.from(encoded, 'base64url').toString('utf8'));
    return typeof header === 'object' && header !== null && 'alg' in header;
  } catch {
    return false;
  }
}
