import type { ByteText } from '../byte-text.js';
import type { Emit } from '../span.js';

/** First digits and lengths of payment cards, as the schemes publish them (ISO/IEC 7812). */
const SCHEMES: readonly { readonly prefix: RegExp; readonly lengths: readonly number[] }[] = [
  { prefix: /^4/, lengths: [16, 19] }, // Visa
  { prefix: /^(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, lengths: [16] }, // Mastercard
  { prefix: /^3[47]/, lengths: [15] }, // American Express
  { prefix: /^(?:6011|64[4-9]|65)/, lengths: [16, 19] }, // Discover
  { prefix: /^(?:30[0-5]|3[689])/, lengths: [14] }, // Diners Club
  { prefix: /^35(?:2[89]|[3-8])/, lengths: [16] }, // JCB
  { prefix: /^62/, lengths: [16, 19] }, // UnionPay
  { prefix: /^(?:5018|5020|5038|5893|6304|6759|676[1-3])/, lengths: [16] }, // Maestro
];
// As cards are printed: in one piece, in fours, or as American Express and Diners Club do.
const NUMBER =
  /(?:\d{14,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?|\d{4}([ -])\d{6}\2\d{4,5})(?![0-9A-Za-z_]|\.\d|-[0-9A-Za-z])/y;

/** The shortest number, in bytes. */
export const MIN_CARD_BYTES = 14;

/** Finds card numbers that begin in this run of digits, spaces and hyphens: scheme, length and Luhn digit all fit. */
export function findCards(source: ByteText, from: number, to: number, emit: Emit): void {
  const { text } = source;
  for (let at = from; at + MIN_CARD_BYTES <= to; at += 1) {
    if (!isDigit(text, at) || !beginsNumber(text, at)) continue;
    NUMBER.lastIndex = at;
    const found = NUMBER.exec(text);
    if (found === null || NUMBER.lastIndex > to) continue;
    const digits = found[0].replace(/\D/g, '');
    if (!isCard(digits)) continue;
    emit(at, NUMBER.lastIndex, 'card');
    at = NUMBER.lastIndex;
  }
}

/** Whether digits are a card number. */
export function isCard(digits: string): boolean {
  const scheme = SCHEMES.some(
    ({ prefix, lengths }) => lengths.includes(digits.length) && prefix.test(digits),
  );
  return scheme && luhn(digits) && !/^(\d)\1+$/.test(digits);
}

function luhn(digits: string): boolean {
  let sum = 0;
  for (let place = 0; place < digits.length; place += 1) {
    const digit = digits.charCodeAt(digits.length - 1 - place) - 48;
    const weighted = place % 2 === 0 ? digit : digit * 2;
    sum += weighted > 9 ? weighted - 9 : weighted;
  }
  return sum % 10 === 0;
}

function isDigit(text: string, at: number): boolean {
  const code = text.charCodeAt(at);
  return code >= 48 && code <= 57;
}

// Not inside a word, the fraction of a number, or a longer row of groups.
function beginsNumber(text: string, at: number): boolean {
  const before = text.charAt(at - 1);
  if (before === '-') return !/[0-9]/.test(text.charAt(at - 2));
  if (before === '.') return !/[0-9]/.test(text.charAt(at - 2));
  return !/[0-9A-Za-z_]/.test(before);
}
