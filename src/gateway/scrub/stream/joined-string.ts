import type { ScrubMode } from '../../tool/tool-spec.js';
import type { FindingCounts } from '../findings.js';
import { toRedact } from '../look.js';
import { marker, mergeSpans, type Span } from '../span.js';
import { blockedResponse } from './scrub-stream.js';
import type { StringLook } from './string-look.js';

/** What one event has of a string that goes over several; UTF-8, a character for each byte. */
export interface StringPart {
  readonly text: string;
  /** What it reads once it was looked through. */
  clean: string;
  done: boolean;
}

/**
 * How much lets go of itself what is due: `word` what cannot become a match any more, `begun` all but what has begun for
 * certain, `all` everything.
 */
export type LetGo = 'word' | 'begun' | 'all';

interface Placed {
  readonly part: StringPart;
  readonly start: number;
  readonly end: number;
}

/** Something that was found and still goes on, and what has left of it, are kept up to this. */
const LONGEST_KEPT_BYTES = 65_536;
/** A long word without end is looked through again only when so much more of it can go. */
const STEP_BYTES = 1_024;
const LONG_BYTES = 4_096;

/**
 * A string that comes in pieces. A piece is done when nothing that is looked for can lie in it and in what comes. What
 * has left before its time is remembered: where it turns out to be the beginning of a match, the rest of that is taken out.
 */
export class JoinedString {
  /** Number of the event that went on with it last. */
  lastEvent = 0;
  #text = '';
  /** How much of the text has left. */
  #left = 0;
  #parts: Placed[] = [];

  constructor(
    public look: StringLook,
    /** Which of several messages it belongs to. */
    readonly group: string,
    private readonly mode: ScrubMode,
    private readonly counts: FindingCounts,
  ) {}

  /** Whether pieces of it are held back. */
  get holds(): boolean {
    return this.#parts.length > 0;
  }

  /** Whether nothing of it matters any more. */
  get isOver(): boolean {
    return this.#text === '' && this.#parts.length === 0;
  }

  add(part: StringPart): void {
    const start = this.#text.length;
    this.#text += part.text;
    this.#parts.push({ part, start, end: this.#text.length });
  }

  /** Finishes the pieces that are due. Throws `response_blocked` in that mode. */
  settle(letGo: LetGo): void {
    const bytes = Buffer.from(this.#text, 'latin1');
    const holdFrom = this.look.holdFrom(bytes);
    const due = letGo === 'word' ? holdFrom : letGo === 'begun' ? this.look.begunFrom(bytes) : bytes.length;
    const left = this.#left;
    if (due < left || (due === left && this.#parts[0]?.end !== left)) return;
    if (letGo === 'word' && due - left < STEP_BYTES && bytes.length - due > LONG_BYTES) return;
    const spans = mergeSpans(this.look.spans(bytes));
    const across = spans.find(({ start, end }) => start < due && end > due);
    let cut = across === undefined || letGo === 'all' ? due : Math.max(left, across.start);
    if (bytes.length - cut > LONGEST_KEPT_BYTES) cut = across?.end ?? due;
    const passing = spans.filter(({ start, end }) => end > left && end <= cut && start < cut);
    this.counts.add(passing);
    if (this.mode === 'block' && passing.length > 0) throw blockedResponse();
    this.#write(cut, toRedact(passing, this.mode));
    this.#forget(Math.min(this.look.keepFrom(bytes), across?.start ?? cut, cut));
  }

  #write(cut: number, spans: readonly Span[]): void {
    let next = 0;
    let from = this.#left;
    let done = 0;
    for (const { part, start, end } of this.#parts) {
      if (start >= cut && end > cut) break;
      const to = Math.min(end, cut);
      from = Math.max(from, start);
      while (from < to) {
        const span = spans[next];
        if (span === undefined || span.start >= to) {
          part.clean += this.#text.slice(from, to);
          from = to;
        } else if (span.end <= from) {
          next += 1;
        } else {
          // Its marker stands where it begins, or where what is still here of it does.
          const begins = Math.max(span.start, this.#left);
          part.clean += this.#text.slice(from, Math.max(from, begins));
          if (begins >= from) part.clean += marker(span.kind);
          from = Math.min(span.end, to);
        }
      }
      if (end > cut) break;
      part.done = true;
      done += 1;
    }
    this.#parts.splice(0, done);
    this.#left = cut;
  }

  #forget(before: number): void {
    const drop = Math.max(before, this.#left - LONGEST_KEPT_BYTES, 0);
    if (drop === 0) return;
    this.#text = this.#text.slice(drop);
    this.#left -= drop;
    this.#parts = this.#parts.map(({ part, start, end }) => ({ part, start: start - drop, end: end - drop }));
  }
}
