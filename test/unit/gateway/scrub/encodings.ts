/** Ways to write a text, each undone by something that a provider or a client has at hand. */
export const ENCODINGS: Readonly<Record<string, (text: string, seed: number) => string>> = {
  raw: (text) => text,
  base64: (text) => Buffer.from(text).toString('base64'),
  'base64 after 1 byte': (text) => Buffer.from(`x${text}yz`).toString('base64'),
  'base64 after 2 bytes': (text) => Buffer.from(`xy${text}z`).toString('base64'),
  base64url: (text) => Buffer.from(text).toString('base64url'),
  'base64url after 1 byte': (text) => Buffer.from(`:${text}`).toString('base64url'),
  'base64 of user:password': (text) => Buffer.from(`user-name:${text}`).toString('base64'),
  hex: (text) => Buffer.from(text).toString('hex'),
  HEX: (text) => Buffer.from(text).toString('hex').toUpperCase(),
  'percent, as needed': (text) => encodeURIComponent(text),
  'percent, all, lower case': (text) => perByte(text, (byte) => `%${hex(byte)}`),
  'percent, all, upper case': (text) => perByte(text, (byte) => `%${hex(byte).toUpperCase()}`),
  'percent, some': (text, seed) =>
    perByte(text, (byte, index) =>
      byte > 126 || (byte + index + seed) % 3 === 0 ? `%${hex(byte)}` : String.fromCharCode(byte),
    ),
  'JSON escapes, all': (text) => perUnit(text, (unit) => `\\u${unit.toString(16).padStart(4, '0')}`),
  'JSON escapes, some': (text, seed) =>
    perUnit(text, (unit, index) =>
      unit > 126 || (unit + index + seed) % 3 === 0
        ? `\\u${unit.toString(16).padStart(4, '0').toUpperCase()}`
        : JSON.stringify(String.fromCharCode(unit)).slice(1, -1),
    ),
  'HTML, decimal': (text) => perCharacter(text, (code) => `&#${code};`),
  'HTML, hexadecimal': (text) => perCharacter(text, (code) => `&#x${code.toString(16)};`),
  'HTML, some': (text, seed) =>
    perCharacter(text, (code, index) =>
      /[<>&"']/.test(String.fromCodePoint(code)) || (code + index + seed) % 3 === 0
        ? `&#0${code};`
        : String.fromCodePoint(code),
    ),
};

/** Undoes what {@link ENCODINGS} does, everywhere in a text: what somebody could read out of it. */
export function readings(text: string): string[] {
  const bytes = (encoding: 'base64' | 'hex', run: string): string =>
    Buffer.from(run, encoding).toString('latin1');
  const found = [text];
  found.push(
    text.replace(/\\u([0-9a-f]{4})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16))),
  );
  found.push(
    text.replace(/%([0-9a-f]{2})/gi, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16))),
  );
  found.push(text.replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code))));
  found.push(
    text.replace(/&#x([0-9a-f]+);/gi, (_, code: string) => String.fromCodePoint(Number.parseInt(code, 16))),
  );
  for (const run of text.match(/[A-Za-z0-9+/_-]{8,}/g) ?? []) {
    for (const skip of [0, 1, 2, 3]) found.push(bytes('base64', run.slice(skip)));
  }
  for (const run of text.match(/[0-9a-fA-F]{16,}/g) ?? [])
    found.push(bytes('hex', run), bytes('hex', run.slice(1)));
  return found;
}

function perByte(text: string, write: (byte: number, index: number) => string): string {
  return [...Buffer.from(text)].map(write).join('');
}

function perUnit(text: string, write: (unit: number, index: number) => string): string {
  return text
    .split('')
    .map((unit, index) => write(unit.charCodeAt(0), index))
    .join('');
}

function perCharacter(text: string, write: (code: number, index: number) => string): string {
  return [...text].map((character, index) => write(character.codePointAt(0) ?? 0, index)).join('');
}

function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
