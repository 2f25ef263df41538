import type { ByteText } from './byte-text.js';
import { readBackslash } from './backslash.js';
import type { Escape, EscapeKind } from './escape.js';
import { EscapeViewBuilder } from './escape-view.js';
import { readEntity } from './html-entity.js';
import type { View } from './view.js';

/** JSON (RFC 8259 §7), and what JavaScript and Python write besides. */
export const BACKSLASH: EscapeKind = { lead: 0x5c, read: readBackslash };
/** RFC 3986 §2.1. */
export const PERCENT: EscapeKind = { lead: 0x25, read: readPercent };
/** HTML 5, numeric and the named ones that stand for ASCII. */
export const ENTITY: EscapeKind = { lead: 0x26, read: readEntity };

/** Undoes escapes of these kinds in one pass; undefined where there are none. */
export function undoEscapes(
  source: ByteText,
  from: number,
  to: number,
  kinds: readonly EscapeKind[],
): View | undefined {
  const { bytes, text } = source;
  const builder = new EscapeViewBuilder(text, from);
  const next = kinds.map((kind) => nextLead(bytes, kind, from, to));
  for (;;) {
    let index = -1;
    let at = to;
    for (let candidate = 0; candidate < next.length; candidate += 1) {
      if ((next[candidate] as number) < at) {
        at = next[candidate] as number;
        index = candidate;
      }
    }
    const kind = kinds[index];
    if (kind === undefined) return builder.finish(to);
    const escape = kind.read(text, at, to);
    const resume = escape?.end ?? at + 1;
    if (escape !== undefined) builder.escape(at, resume, escape.stands);
    for (const [other, lead] of next.entries()) {
      if (lead < resume) next[other] = nextLead(bytes, kinds[other] as EscapeKind, resume, to);
    }
  }
}

/** Where the next escape of a kind begins; `to` where there is none. */
export function nextEscape({ bytes, text }: ByteText, kind: EscapeKind, from: number, to: number): number {
  let at = nextLead(bytes, kind, from, to);
  while (at < to && kind.read(text, at, to) === undefined) at = nextLead(bytes, kind, at + 1, to);
  return at;
}

function nextLead(bytes: Buffer, kind: EscapeKind, from: number, to: number): number {
  // Not beyond `to`: the search of a long rest for each short part would not be linear.
  if (from >= to) return to;
  const at = bytes.subarray(from, to).indexOf(kind.lead);
  return at < 0 ? to : from + at;
}

const HEX_PAIR = /[0-9A-Fa-f]{2}/y;

function readPercent(text: string, at: number, to: number): Escape | undefined {
  HEX_PAIR.lastIndex = at + 1;
  if (at + 3 > to || !HEX_PAIR.test(text)) return undefined;
  return { end: at + 3, stands: String.fromCharCode(Number.parseInt(text.slice(at + 1, at + 3), 16)) };
}
