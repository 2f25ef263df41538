import { base64View, ENCODED, hexView, MIN_ENCODED_CHARACTERS } from './base64-view.js';
import { byteClass, DIGITS, findRun, LOWER, runEnd, UPPER } from './byte-class.js';
import type { ByteText } from './byte-text.js';
import { findCards, MIN_CARD_BYTES } from './detect/card.js';
import { findEmails } from './detect/email.js';
import { findIbans } from './detect/iban.js';
import { findKeys } from './detect/key.js';
import { findPrivateKeys } from './detect/private-key.js';
import { findPattern } from './detect/tool-pattern.js';
import { BACKSLASH, ENTITY, PERCENT, undoEscapes } from './escapes.js';
import type { EscapeKind } from './escape.js';
import { backslashedStrings, stringsWith } from './escaped-strings.js';
import type { Needles } from './needles.js';
import type { ScrubPlan } from './scrub-plan.js';
import { mergeSpans, type Emit, type Span } from './span.js';
import type { View } from './view.js';

/** How deep something may be written in something else. Deeper, nobody can read it back by accident. */
const MAX_DEPTH = 5;
/** How often each byte of the body may be looked at in one form or another, and what a small body may have besides. */
const WORK_PER_BYTE = 32;
const WORK_BESIDES_BYTES = 65_536;

/** What keys, base64 and hexadecimal are written with, with what joins them. */
const TOKEN = byteClass(`${DIGITS}${UPPER}${LOWER}_-.+/=`);
/** What cards and IBANs are written with. */
const NUMBER = byteClass(`${DIGITS}${UPPER} -`);

/** Thrown where a body is written in itself so often that looking through it would not end in linear time. */
export class TooDeep extends Error {}

/** Where escapes end: at the quotes of JSON, or nowhere. */
export type Form = 'json' | 'text';

/** Looks through one body, and through whatever is written in it. */
export class Scan {
  #work: number;

  constructor(
    private readonly plan: ScrubPlan,
    private readonly needles: Needles,
    length: number,
  ) {
    this.#work = length * WORK_PER_BYTE + WORK_BESIDES_BYTES;
  }

  /** All places where something was found, in order and apart from each other. Throws {@link TooDeep}. */
  run(source: ByteText, form: Form): Span[] {
    return mergeSpans(this.#look(source, form, 0));
  }

  #look(source: ByteText, form: Form, depth: number): Span[] {
    this.#work -= source.length;
    if (this.#work < 0) throw new TooDeep();
    const spans = new SpanList();
    const { emit } = spans;
    this.needles.search(source.bytes, source.text, 0, source.length, emit);
    if (form === 'json') {
      let from = 0;
      for (const { start, end } of backslashedStrings(source)) {
        this.#plain(source, from, start, form, depth, emit);
        // What only looks like an escape stands for itself.
        if (!this.#undo(source, start, end, ALL_ESCAPES, depth, emit))
          this.#plain(source, start, end, 'text', depth, emit);
        from = end;
      }
      this.#plain(source, from, source.length, form, depth, emit);
    } else {
      this.#plain(source, 0, source.length, form, depth, emit);
    }
    return spans.list;
  }

  /** Everything that is not behind a backslash. */
  #plain(source: ByteText, from: number, to: number, form: Form, depth: number, emit: Emit): void {
    if (from >= to) return;
    const { detectors, patterns } = this.plan;
    if (detectors.has('email')) findEmails(source, from, to, emit);
    if (detectors.has('card') || detectors.has('iban')) this.#numbers(source, from, to, emit);
    if (detectors.has('key')) findPrivateKeys(source, from, to, emit);
    for (const pattern of patterns) findPattern(pattern, source, from, to, emit);
    this.#tokens(source, from, to, depth, emit);
    if (form === 'text') {
      this.#undo(source, from, to, ALL_ESCAPES, depth, emit);
      return;
    }
    for (const { start, end } of stringsWith(source, from, to, WITHOUT_BACKSLASH)) {
      this.#undo(source, start, end, WITHOUT_BACKSLASH, depth, emit);
    }
  }

  #numbers(source: ByteText, from: number, to: number, emit: Emit): void {
    const { detectors } = this.plan;
    const { bytes } = source;
    for (let at = findRun(bytes, from, to, NUMBER, MIN_CARD_BYTES); at >= 0;) {
      const end = runEnd(bytes, at, to, NUMBER);
      if (detectors.has('card')) findCards(source, at, end, emit);
      if (detectors.has('iban')) findIbans(source, at, end, emit);
      at = findRun(bytes, end, to, NUMBER, MIN_CARD_BYTES);
    }
  }

  #tokens(source: ByteText, from: number, to: number, depth: number, emit: Emit): void {
    const { bytes } = source;
    const keys = this.plan.detectors.has('key');
    for (let at = findRun(bytes, from, to, TOKEN, MIN_ENCODED_CHARACTERS); at >= 0;) {
      const end = runEnd(bytes, at, to, TOKEN);
      if (keys) findKeys(source, at, end, emit);
      // Lines that go on are of one piece only for what is encoded, which tells for itself where it ends.
      if (depth < MAX_DEPTH) this.#encoded(source, at, end, to, depth, emit);
      at = findRun(bytes, end, to, TOKEN, MIN_ENCODED_CHARACTERS);
    }
  }

  /** Base64 and hexadecimal that begin with a word of this run; answers how far it was read beyond the run. */
  #encoded(source: ByteText, from: number, end: number, to: number, depth: number, emit: Emit): number {
    const { bytes } = source;
    // What was read from one place on need not be read again from another that is a whole group later.
    const readBase64 = [0, 0, 0, 0];
    let readHex = 0;
    const look = (view: View): number => {
      this.#inside(view, depth, emit);
      return view.sourceEnd(view.content.length);
    };
    let begins = true;
    for (let at = from; at + MIN_ENCODED_CHARACTERS <= end; at += 1) {
      if (begins && ENCODED[bytes[at] as number] === 1) {
        const base64 = at < (readBase64[at & 3] as number) ? undefined : base64View(bytes, at, to);
        if (base64 !== undefined) readBase64[at & 3] = look(base64);
        const hex = at < readHex ? undefined : hexView(bytes, at, end);
        if (hex !== undefined) readHex = look(hex);
      }
      begins = JOINT[bytes[at] as number] === 1;
    }
    return Math.max(end, ...readBase64);
  }

  /** Looks at what is behind escapes; answers whether there were any. */
  #undo(
    source: ByteText,
    from: number,
    to: number,
    kinds: readonly EscapeKind[],
    depth: number,
    emit: Emit,
  ): boolean {
    if (depth >= MAX_DEPTH) return false;
    let any = false;
    for (const together of this.#together(kinds)) {
      const view = undoEscapes(source, from, to, together);
      if (view === undefined) continue;
      any = true;
      this.#inside(view, depth, emit);
    }
    return any;
  }

  /** All at once, unless a secret has characters that escapes are made of, which one kind would take from another. */
  #together(kinds: readonly EscapeKind[]): readonly (readonly EscapeKind[])[] {
    return this.needles.hasEscapeCharacters ? kinds.map((kind) => [kind]) : [kinds];
  }

  #inside(view: View, depth: number, emit: Emit): void {
    for (const { start, end, kind } of this.#look(view.content, 'text', depth + 1)) {
      emit(view.sourceStart(start), view.sourceEnd(end), kind);
    }
  }
}

const ALL_ESCAPES: readonly EscapeKind[] = [BACKSLASH, PERCENT, ENTITY];
const WITHOUT_BACKSLASH: readonly EscapeKind[] = [PERCENT, ENTITY];
/** After these, something else may begin. */
const JOINT = byteClass('_-.+/=');

/** Collects places; those that lie in the one before are left out, so that a row of them stays one. */
class SpanList {
  readonly list: Span[] = [];
  readonly emit: Emit = (start, end, kind) => {
    const last = this.list.at(-1);
    if (last !== undefined && last.kind === kind && start >= last.start && start < last.end) {
      if (end > last.end) this.list[this.list.length - 1] = { start: last.start, end, kind };
      return;
    }
    this.list.push({ start, end, kind });
  };
}
