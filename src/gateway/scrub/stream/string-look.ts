import { ByteText } from '../byte-text.js';
import { lookInString } from '../look.js';
import type { Needles } from '../needles.js';
import type { ScrubPlan } from '../scrub-plan.js';
import { SpanList, type Span } from '../span.js';
import { HoldBack } from './hold-back.js';

/** What is looked for in a string that goes on from event to event, and how far it must be held back for that. */
export interface StringLook {
  /** The offset from which the bytes are to be held back, since something could go on. */
  holdFrom(bytes: Buffer): number;
  /** The offset from which they are remembered, held back or not: what they begin there could go on. */
  keepFrom(bytes: Buffer): number;
  /** The offset from which they are held back even where nothing comes for a while: something has begun for certain. */
  begunFrom(bytes: Buffer): number;
  spans(bytes: Buffer): readonly Span[];
}

/** An end as short as this looks like the beginning of the credential by chance. */
const CERTAIN_BYTES = 4;

/** Text of a model: everything is looked for, a word is held back until it ends. */
export class TextLook implements StringLook {
  readonly #holdBack: HoldBack;

  constructor(
    private readonly plan: ScrubPlan,
    private readonly needles: Needles,
  ) {
    this.#holdBack = new HoldBack(plan, needles, 'string');
  }

  holdFrom(bytes: Buffer): number {
    return this.needles.hasSeparators
      ? Math.min(this.#holdBack.from(bytes), credentialFrom(this.needles, bytes))
      : this.#holdBack.from(bytes);
  }

  keepFrom(bytes: Buffer): number {
    return this.holdFrom(bytes);
  }

  begunFrom(bytes: Buffer): number {
    return Math.min(this.#holdBack.privateKeyFrom(bytes), credentialFrom(this.needles, bytes));
  }

  spans(bytes: Buffer): readonly Span[] {
    return lookInString(this.plan, this.needles, bytes);
  }
}

/** Any other string: nobody knows that it goes on, so the credential alone is looked for over events. */
export class CredentialLook implements StringLook {
  constructor(private readonly needles: Needles) {}

  holdFrom(bytes: Buffer): number {
    return credentialFrom(this.needles, bytes);
  }

  keepFrom(bytes: Buffer): number {
    return this.needles.openFrom(bytes);
  }

  begunFrom(bytes: Buffer): number {
    return credentialFrom(this.needles, bytes);
  }

  spans(bytes: Buffer): readonly Span[] {
    const spans = new SpanList();
    this.needles.search(ByteText.ofBytes(bytes), 0, bytes.length, spans.emit);
    return spans.list;
  }
}

function credentialFrom(needles: Needles, bytes: Buffer): number {
  if (needles.empty) return bytes.length;
  const open = needles.openFrom(bytes);
  return bytes.length - open < CERTAIN_BYTES ? bytes.length : open;
}
