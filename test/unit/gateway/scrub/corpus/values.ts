import { crc32 } from 'node:zlib';
import { ALPHANUMERIC, DIGITS, HEX, LOWER, UPPER, URL_SAFE, type Draw } from './draw.js';

/** Makes one value of a kind. None of them is anybody's: addresses are of reserved domains, the rest is drawn. */
export type Maker = (draw: Draw) => string;

export const EMAILS: readonly Maker[] = [
  (draw) => `${draw.text(LOWER, 6)}@example.com`,
  (draw) => `${draw.text(LOWER, 5)}.${draw.text(LOWER, 7)}@example.org`,
  (draw) => `${draw.text(LOWER, 1)}${draw.text(DIGITS, 3)}@mail.example.net`,
  (draw) => `${draw.text(LOWER, 5)}+${draw.text(LOWER, 4)}@example.co.uk`,
  (draw) =>
    `${draw.text(UPPER, 1)}${draw.text(LOWER, 4)}_${draw.text(UPPER, 1)}${draw.text(LOWER, 6)}@Example.COM`,
  (draw) => `${draw.text(LOWER, 4)}-${draw.text(LOWER, 3)}@sub-domain.example.info`,
  (draw) => `o'${draw.text(LOWER, 5)}@example.museum`,
  (draw) => `${draw.text(LOWER, 8)}@xn--bcher-kva.example`,
  (draw) => `${draw.text(DIGITS, 8)}@example.io`,
  (draw) => `${draw.text(LOWER, 20)}.${draw.text(LOWER, 20)}@${draw.text(LOWER, 20)}.example.com`,
];

const CARD_FORMS: readonly (readonly [prefixes: readonly string[], length: number])[] = [
  [['4'], 16],
  [['51', '52', '55', '2221', '2720', '2345'], 16],
  [['34', '37'], 15],
  [['6011', '645', '65'], 16],
  [['300', '305', '36', '38'], 14],
  [['3528', '3589'], 16],
  [['62'], 16],
  [['6759'], 16],
];

export const CARDS: readonly Maker[] = CARD_FORMS.flatMap(([prefixes, length]): Maker[] => {
  const compact: Maker = (draw) => {
    const prefix = draw.of(prefixes);
    return withLuhn(prefix + draw.text(DIGITS, length - prefix.length - 1));
  };
  return [compact, (draw) => grouped(compact(draw), ' '), (draw) => grouped(compact(draw), '-')];
});

const IBAN_COUNTRIES: readonly (readonly [country: string, letters: number, digits: number])[] = [
  ['DE', 0, 18], ['FR', 0, 23], ['GB', 4, 14], ['NL', 4, 10], ['ES', 0, 20], ['IT', 1, 22], ['CH', 0, 17], ['AT', 0, 16],
  ['BE', 0, 12], ['NO', 0, 11], ['SE', 0, 20], ['PL', 0, 24], ['PT', 0, 21], ['IE', 4, 14], ['MT', 4, 23], ['SA', 0, 20],
  ['TR', 0, 22], ['BR', 0, 25], ['LU', 0, 16], ['FI', 0, 14],
]; // prettier-ignore

export const IBANS: readonly Maker[] = IBAN_COUNTRIES.flatMap(([country, letters, digits]): Maker[] => {
  const compact: Maker = (draw) =>
    withCheckDigits(country, draw.text(UPPER, letters) + draw.text(DIGITS, digits));
  return [compact, (draw) => compact(draw).replace(/(.{4})(?=.)/g, '$1 ')];
});

/** By the kind that they are to be called. */
export const KEYS: Readonly<Record<string, readonly Maker[]>> = {
  github: [
    ...['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'].map((prefix): Maker => (draw) => prefix + withCrc(draw.text(ALPHANUMERIC, 30))),
    (draw) => `github_pat_${draw.text(ALPHANUMERIC, 22)}_${draw.text(ALPHANUMERIC, 59)}`,
  ],
  npm: [(draw) => `npm_${withCrc(draw.text(ALPHANUMERIC, 30))}`],
  aws: [(draw) => `AKIA${draw.text(`${UPPER}234567`, 16)}`, (draw) => `ASIA${draw.text(`${UPPER}234567`, 16)}`],
  google: [(draw) => `AIza${draw.text(URL_SAFE, 34)}${draw.text(ALPHANUMERIC, 1)}`, (draw) => `GOCSPX-${draw.text(ALPHANUMERIC, 28)}`],
  slack: [
    (draw) => `xoxb-${draw.text(DIGITS, 12)}-${draw.text(DIGITS, 13)}-${draw.text(ALPHANUMERIC, 24)}`,
    (draw) => `xoxp-${draw.text(DIGITS, 12)}-${draw.text(DIGITS, 12)}-${draw.text(DIGITS, 13)}-${draw.text(HEX, 32)}`,
  ],
  stripe: [(draw) => `sk_live_${draw.text(ALPHANUMERIC, 24)}`, (draw) => `rk_live_${draw.text(ALPHANUMERIC, 99)}`, (draw) => `sk_test_${draw.text(ALPHANUMERIC, 99)}`, (draw) => `whsec_${draw.text(ALPHANUMERIC, 32)}`],
  anthropic: [(draw) => `sk-ant-api03-${draw.text(URL_SAFE, 93)}AA`, (draw) => `sk-ant-admin01-${draw.text(URL_SAFE, 93)}AA`],
  openai: [
    (draw) => `sk-${draw.text(ALPHANUMERIC, 20)}T3BlbkFJ${draw.text(ALPHANUMERIC, 20)}`,
    (draw) => `sk-proj-${draw.text(URL_SAFE, 74)}T3BlbkFJ${draw.text(URL_SAFE, 73)}A`,
    (draw) => `sk-svcacct-${draw.text(URL_SAFE, 74)}T3BlbkFJ${draw.text(ALPHANUMERIC, 74)}`,
  ],
  huggingface: [(draw) => `hf_${draw.text(`${UPPER}${LOWER}`, 33)}7`],
  gitlab: [(draw) => `glpat-${draw.text(ALPHANUMERIC, 20)}`],
  vault: [(draw) => `hvs.${draw.text(URL_SAFE, 90)}x1`, (draw) => `hvs.${draw.text(ALPHANUMERIC, 24)}`],
  sendgrid: [(draw) => `SG.${draw.text(URL_SAFE, 22)}.${draw.text(ALPHANUMERIC, 43)}`],
  jwt: [
    (draw) => `${encoded({ alg: 'HS256', typ: 'JWT' })}.${encoded({ sub: draw.text(DIGITS, 10), iat: 1_700_000_000 })}.${draw.text(ALPHANUMERIC, 43)}`,
    (draw) => `${encoded({ alg: 'RS256', kid: draw.text(HEX, 8) })}.${encoded({ iss: 'https://issuer.example', aud: 'api' })}.${draw.text(ALPHANUMERIC, 342)}`,
  ],
  'private-key': [
    (draw) => pem('PRIVATE KEY', draw.bytes(48)),
    (draw) => pem('RSA PRIVATE KEY', draw.bytes(600)),
    (draw) => pem('EC PRIVATE KEY', draw.bytes(118)),
    (draw) => pem('OPENSSH PRIVATE KEY', draw.bytes(300)),
  ],
}; // prettier-ignore

export function withLuhn(digits: string): string {
  for (let check = 0; check < 10; check += 1) {
    const sum = [...`${digits}${check}`].reverse().reduce((total, digit, place) => {
      const weighted = place % 2 === 0 ? Number(digit) : Number(digit) * 2;
      return total + (weighted > 9 ? weighted - 9 : weighted);
    }, 0);
    if (sum % 10 === 0) return `${digits}${check}`;
  }
  throw new Error('one of ten digits always fits');
}

export function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`].join('\n');
}

function grouped(digits: string, by: string): string {
  const sizes = digits.length === 15 ? [4, 6, 5] : digits.length === 14 ? [4, 6, 4] : [4, 4, 4, 4];
  let at = 0;
  return sizes.map((size) => digits.slice(at, (at += size))).join(by);
}

function withCheckDigits(country: string, account: string): string {
  const numeric = [...`${account}${country}00`].map((character) => Number.parseInt(character, 36)).join('');
  return `${country}${String(98n - (BigInt(numeric) % 97n)).padStart(2, '0')}${account}`;
}

function withCrc(random: string): string {
  const alphabet = DIGITS + UPPER + LOWER;
  let rest = crc32(random);
  let checksum = '';
  for (let place = 0; place < 6; place += 1, rest = Math.floor(rest / 62))
    checksum = alphabet.charAt(rest % 62) + checksum;
  return random + checksum;
}

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
