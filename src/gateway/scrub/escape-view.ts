import { ByteText } from './byte-text.js';
import type { View } from './view.js';

/** Builds the view of a text in which some parts stand for themselves and others are escapes. */
export class EscapeView implements View {
  readonly content: ByteText;
  /** Whether the escapes are of several kinds, so that one may have been written in another. */
  readonly mixed: boolean;
  // Per escape: where it and what it stands for begin and end. All else is as long decoded as it was.
  readonly #decodedStart: readonly number[];
  readonly #decodedEnd: readonly number[];
  readonly #sourceStart: readonly number[];
  readonly #sourceEnd: readonly number[];
  readonly #from: number;

  constructor(builder: EscapeViewBuilder) {
    this.content = ByteText.ofText(builder.parts.join(''));
    this.#decodedStart = builder.decodedStart;
    this.#decodedEnd = builder.decodedEnd;
    this.#sourceStart = builder.sourceStart;
    this.#sourceEnd = builder.sourceEnd;
    this.#from = builder.from;
    this.mixed = builder.mixed;
  }

  sourceStart(at: number): number {
    const index = this.#escapeBefore(at);
    if (index < 0) return this.#from + at;
    const decodedEnd = this.#decodedEnd[index] as number;
    if (at < decodedEnd) return this.#sourceStart[index] as number;
    return (this.#sourceEnd[index] as number) + at - decodedEnd;
  }

  sourceEnd(end: number): number {
    const index = this.#escapeBefore(end - 1);
    if (index < 0) return this.#from + end;
    const decodedEnd = this.#decodedEnd[index] as number;
    const sourceEnd = this.#sourceEnd[index] as number;
    return end <= decodedEnd ? sourceEnd : sourceEnd + end - decodedEnd;
  }

  /** The last escape that begins at or before a decoded offset; -1 where there is none. */
  #escapeBefore(at: number): number {
    let low = 0;
    let high = this.#decodedStart.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#decodedStart[middle] as number) <= at) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/** Collects the parts of an {@link EscapeView} from left to right. */
export class EscapeViewBuilder {
  readonly parts: string[] = [];
  readonly decodedStart: number[] = [];
  readonly decodedEnd: number[] = [];
  readonly sourceStart: number[] = [];
  readonly sourceEnd: number[] = [];
  mixed = false;
  #lead = '';
  #decodedLength = 0;
  #at: number;

  constructor(
    private readonly source: string,
    readonly from: number,
  ) {
    this.#at = from;
  }

  /** An escape at `start` to `end` that stands for these bytes, which may be none. */
  escape(start: number, end: number, stands: string): void {
    this.#literal(start);
    const lead = this.source.charAt(start);
    this.mixed ||= this.#lead !== '' && this.#lead !== lead;
    this.#lead = lead;
    this.decodedStart.push(this.#decodedLength);
    this.parts.push(stands);
    this.#decodedLength += stands.length;
    this.decodedEnd.push(this.#decodedLength);
    this.sourceStart.push(start);
    this.sourceEnd.push(end);
    this.#at = end;
  }

  /** The view up to `to`; undefined where nothing was escaped. */
  finish(to: number): EscapeView | undefined {
    if (this.decodedStart.length === 0) return undefined;
    this.#literal(to);
    return new EscapeView(this);
  }

  #literal(to: number): void {
    if (to <= this.#at) return;
    this.parts.push(this.source.slice(this.#at, to));
    this.#decodedLength += to - this.#at;
  }
}
