import type { ByteText } from './byte-text.js';
import { readBackslash } from './backslash.js';
import type { Escape, EscapeKind } from './escape.js';
import { EscapeViewBuilder, type EscapeView } from './escape-view.js';
import { readEntity } from './html-entity.js';

/** JSON (RFC 8259 §7), and what JavaScript and Python write besides. */
export const BACKSLASH: EscapeKind = { lead: 0x5c, read: readBackslash };
/** RFC 3986 §2.1. */
export const PERCENT: EscapeKind = { lead: 0x25, read: readPercent };
/** HTML 5, numeric and the named ones that stand for ASCII. */
export const ENTITY: EscapeKind = { lead: 0x26, read: readEntity };

/** Kinds of escapes by the byte that leads them. */
export type EscapeSet = readonly (EscapeKind | undefined)[];

/** The set of these kinds. */
export function escapeSet(...kinds: readonly EscapeKind[]): EscapeSet {
  const set = new Array<EscapeKind | undefined>(256).fill(undefined);
  for (const kind of kinds) set[kind.lead] = kind;
  return set;
}

/** Undoes escapes of these kinds in one pass; undefined where there are none. */
export function undoEscapes(
  source: ByteText,
  from: number,
  to: number,
  escapes: EscapeSet,
): EscapeView | undefined {
  const { bytes, text } = source;
  const builder = new EscapeViewBuilder(text, from);
  for (let at = from; at < to;) {
    const escape = escapes[bytes[at] as number]?.read(text, at, to);
    if (escape === undefined) {
      at += 1;
      continue;
    }
    builder.escape(at, escape.end, escape.stands);
    at = escape.end;
  }
  return builder.finish(to);
}

const HEX_PAIR = /[0-9A-Fa-f]{2}/y;

function readPercent(text: string, at: number, to: number): Escape | undefined {
  HEX_PAIR.lastIndex = at + 1;
  if (at + 3 > to || !HEX_PAIR.test(text)) return undefined;
  return { end: at + 3, stands: String.fromCharCode(Number.parseInt(text.slice(at + 1, at + 3), 16)) };
}
