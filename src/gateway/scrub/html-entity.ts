import { utf8Text } from './byte-text.js';
import type { Escape } from './escape.js';

/** Names that stand for an ASCII character (HTML Living Standard §13.5); more cannot be in what is looked for. */
const NAMED: Readonly<Record<string, string>> = {
  amp: '&', AMP: '&', lt: '<', LT: '<', gt: '>', GT: '>', quot: '"', QUOT: '"', apos: "'", excl: '!', num: '#',
  dollar: '$', percnt: '%', lpar: '(', rpar: ')', ast: '*', midast: '*', plus: '+', comma: ',', period: '.', sol: '/',
  colon: ':', semi: ';', equals: '=', quest: '?', commat: '@', lsqb: '[', lbrack: '[', bsol: '\\', rsqb: ']',
  rbrack: ']', Hat: '^', lowbar: '_', UnderBar: '_', grave: '`', DiacriticalGrave: '`', lcub: '{', lbrace: '{',
  verbar: '|', vert: '|', VerticalLine: '|', rcub: '}', rbrace: '}', Tab: '\t', NewLine: '\n',
}; // prettier-ignore
// Browsers take numbers without a semicolon, and with any count of leading zeros; twenty are enough for all of ours.
const ENTITY = /&(?:#(?:[xX]0{0,20}([0-9A-Fa-f]{1,6})|0{0,20}([0-9]{1,7}));?|([A-Za-z]{2,20});)/y;

/** Reads a character reference; undefined where none is, or where it stands for nothing known. */
export function readEntity(text: string, at: number, to: number): Escape | undefined {
  ENTITY.lastIndex = at;
  const found = ENTITY.exec(text);
  if (found === null || ENTITY.lastIndex > to) return undefined;
  const end = ENTITY.lastIndex;
  const [, hex, decimal, name] = found;
  if (name !== undefined) {
    const stands = Object.hasOwn(NAMED, name) ? NAMED[name] : undefined;
    return stands === undefined ? undefined : { end, stands };
  }
  const code = hex === undefined ? Number.parseInt(decimal ?? '', 10) : Number.parseInt(hex, 16);
  if (code === 0 || code > 0x10_ffff) return undefined;
  return { end, stands: utf8Text(String.fromCodePoint(code)) };
}
