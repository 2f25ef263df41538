/** A header has a bound: without one, a hostile text could have itself read again and again. */
const HEADER = /eyJ[0-9A-Za-z_-]{9,1021}(?=\.)/y;
/** What follows the header: payload and signature of RFC 7515, or the four further parts of RFC 7516. */
const REST =
  /\.[0-9A-Za-z_-]{0,65536}\.[0-9A-Za-z_-]{0,65536}(?:\.[0-9A-Za-z_-]{1,65536}\.[0-9A-Za-z_-]{1,65536})?/y;

/** Where the signed or encrypted token (JWS or JWE, compact) that begins at `at` ends; `at` where there is none. */
export function jwtEnd(text: string, at: number): number {
  HEADER.lastIndex = at;
  const header = HEADER.exec(text)?.[0];
  if (header === undefined || !isHeader(header)) return at;
  REST.lastIndex = at + header.length;
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
