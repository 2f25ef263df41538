import type { ByteText } from '../byte-text.js';
import type { Emit } from '../span.js';

/** Lengths by country, of the IBAN registry (ISO 13616), release 99. */
const LENGTHS: ReadonlyMap<string, number> = new Map(
  (
    'AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ' +
    'ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 ' +
    'LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 ' +
    'PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30'
  )
    .split(' ')
    .map((entry) => [entry.slice(0, 2), Number(entry.slice(2))]),
);
const BEGINNING = /[A-Z]{2}\d{2}/y;

/** The shortest number (Norway), in bytes. */
export const MIN_IBAN_BYTES = 15;

/** Finds IBANs that begin in this run of upper-case letters, digits and spaces: country, length and check digits fit. */
export function findIbans({ text }: ByteText, from: number, to: number, emit: Emit): void {
  for (let at = from; at + MIN_IBAN_BYTES <= to; at += 1) {
    if (isAlphanumeric(text.charCodeAt(at - 1))) continue;
    BEGINNING.lastIndex = at;
    if (!BEGINNING.test(text)) continue;
    const length = LENGTHS.get(text.slice(at, at + 2));
    if (length === undefined) continue;
    const end = endOf(text, at, to, length);
    if (end < 0) continue;
    emit(at, end, 'iban');
    at = end;
  }
}

/** Whether it is one, written without spaces. */
export function isIban(compact: string): boolean {
  return LENGTHS.get(compact.slice(0, 2)) === compact.length && mod97(compact) === 1;
}

/** Where an IBAN of so many characters ends, with or without a space after every fourth; -1 where it is none. */
function endOf(text: string, start: number, to: number, length: number): number {
  const spaced = text.charAt(start + 4) === ' ';
  const end = start + length + (spaced ? Math.ceil(length / 4) - 1 : 0);
  if (end > to || isAlphanumeric(text.charCodeAt(end))) return -1;
  let compact = text.slice(start, end);
  if (spaced) {
    if (!/^(?:[A-Z0-9]{4} )+[A-Z0-9]{1,4}$/.test(compact)) return -1;
    compact = compact.replaceAll(' ', '');
  }
  return /^[A-Z0-9]+$/.test(compact) && isIban(compact) ? end : -1;
}

function mod97(compact: string): number {
  let remainder = 0;
  for (const character of compact.slice(4) + compact.slice(0, 4)) {
    const value = Number.parseInt(character, 36);
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  return remainder;
}

function isAlphanumeric(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
}
