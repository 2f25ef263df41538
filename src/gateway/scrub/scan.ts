import type { ByteText } from './byte-text.js';
import { findEmails } from './detect/email.js';
import { findPrivateKeys } from './detect/private-key.js';
import { findPattern } from './detect/tool-pattern.js';
import { escapedStrings } from './escaped-strings.js';
import { BACKSLASH, ENTITY, escapeSet, PERCENT, undoEscapes } from './escapes.js';
import type { Needles } from './needles.js';
import { walkNumbers } from './number-runs.js';
import type { ScrubPlan } from './scrub-plan.js';
import { SIGN, signsOf } from './signs.js';
import { mergeSpans, SpanList, type Emit, type Span } from './span.js';
import { walkTokens } from './token-runs.js';
import type { View } from './view.js';

/** How deep something may be written in something else. Deeper, nobody can read it back by accident. */
const MAX_DEPTH = 5;
/** How many kinds of escapes may be written in each other. */
const MAX_ESCAPES_IN_ESCAPES = 2;
/** How often each byte of the body may be looked at in one form or another, and what a small body may have besides. */
const WORK_PER_BYTE = 64;
const WORK_BESIDES_BYTES = 65_536;

/** Thrown where a body is written in itself so often that looking through it would not end in linear time. */
export class TooDeep extends Error {}

/** Where escapes end: at the quotes of JSON, or nowhere. */
export type Form = 'json' | 'text';

/** A text at one depth. */
interface Layer {
  readonly source: ByteText;
  readonly depth: number;
  /** Of {@link SIGN}. */
  readonly signs: number;
  readonly emit: Emit;
}

/** Looks through one body, and through whatever is written in it. */
export class Scan {
  #workBytes: number;

  constructor(
    private readonly plan: ScrubPlan,
    private readonly needles: Needles,
    lengthBytes: number,
  ) {
    this.#workBytes = lengthBytes * WORK_PER_BYTE + WORK_BESIDES_BYTES;
  }

  /** All places where something was found, in order and apart from each other. Throws {@link TooDeep}. */
  run(source: ByteText, form: Form): Span[] {
    return mergeSpans(this.#look(source, form, 0));
  }

  #look(source: ByteText, form: Form, depth: number): readonly Span[] {
    this.#spend(source.length);
    const spans = new SpanList();
    this.needles.search(source, 0, source.length, spans.emit);
    const layer = { source, depth, signs: signsOf(source.bytes), emit: spans.emit };
    if (form === 'json') this.#json(layer);
    else this.#text(layer, 0, source.length);
    return spans.list;
  }

  /** Strings with escapes as they read, everything else as it is. */
  #json(layer: Layer): void {
    let from = 0;
    for (const { start, end, backslash } of mayHaveEscapes(layer) ? escapedStrings(layer.source) : []) {
      const undone = this.#undo(layer, start, end);
      // The characters of an escape are not those of a word; what only looks like an escape stands for itself.
      if (!backslash || !undone) continue;
      this.#plain(layer, from, start);
      from = end;
    }
    this.#plain(layer, from, layer.source.length);
  }

  #text(layer: Layer, from: number, to: number): void {
    this.#plain(layer, from, to);
    if (mayHaveEscapes(layer)) this.#undo(layer, from, to);
  }

  /** Everything as it is written. */
  #plain({ source, depth, signs, emit }: Layer, from: number, to: number): void {
    if (from >= to) return;
    const { detectors, patterns } = this.plan;
    const keys = detectors.has('key');
    if ((signs & SIGN.at) !== 0 && detectors.has('email')) findEmails(source, from, to, emit);
    if ((signs & SIGN.privateKey) !== 0 && keys) findPrivateKeys(source, from, to, emit);
    if (detectors.has('card') || detectors.has('iban')) walkNumbers(source, from, to, detectors, emit);
    for (const pattern of patterns) findPattern(pattern, source, from, to, emit);
    walkTokens(source, from, to, {
      key: keys ? emit : undefined,
      encoded: depth < MAX_DEPTH ? (view) => this.#inside(view, depth, emit) : undefined,
    });
  }

  /** Looks at what is behind escapes; answers whether there were any. */
  #undo({ source, depth, emit }: Layer, from: number, to: number): boolean {
    if (depth >= MAX_DEPTH) return false;
    const view = undoEscapes(source, from, to, ALL_ESCAPES);
    if (view === undefined) return false;
    this.#inside(view, depth, emit);
    if (view.mixed && !this.needles.empty) this.#unravel(source, from, to, emit, 0);
    return true;
  }

  /**
   * Looks for the secret alone behind escapes of one kind after another, in every order: where one kind is written in
   * another, or the secret has characters of its own that look like escapes, undoing all at once destroys it.
   */
  #unravel(source: ByteText, from: number, to: number, emit: Emit, depth: number): void {
    for (const kind of EACH_ESCAPE) {
      const view = undoEscapes(source, from, to, kind);
      if (view === undefined) continue;
      const { content } = view;
      this.#spend(content.length);
      const outer: Emit = (start, end, name) => emit(view.sourceStart(start), view.sourceEnd(end), name);
      this.needles.search(content, 0, content.length, outer);
      if (depth < MAX_ESCAPES_IN_ESCAPES) this.#unravel(content, 0, content.length, outer, depth + 1);
    }
  }

  #spend(bytes: number): void {
    this.#workBytes -= bytes;
    if (this.#workBytes < 0) throw new TooDeep();
  }

  #inside(view: View, depth: number, emit: Emit): void {
    for (const { start, end, kind } of this.#look(view.content, 'text', depth + 1)) {
      emit(view.sourceStart(start), view.sourceEnd(end), kind);
    }
  }
}

const ALL_ESCAPES = escapeSet(BACKSLASH, PERCENT, ENTITY);
const EACH_ESCAPE = [escapeSet(BACKSLASH), escapeSet(PERCENT), escapeSet(ENTITY)];

function mayHaveEscapes({ signs }: Layer): boolean {
  return (signs & (SIGN.backslash | SIGN.percent | SIGN.ampersand)) !== 0;
}
