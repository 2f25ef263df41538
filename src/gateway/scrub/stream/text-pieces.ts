import type { ScrubMode } from '../../tool/tool-spec.js';
import { FindingCounts } from '../findings.js';
import { AT_START, lookThrough, redact, toRedact } from '../look.js';
import type { Needles } from '../needles.js';
import { jsonStateAfter, type JsonState } from '../redact.js';
import type { Form } from '../scan.js';
import type { ScrubPlan } from '../scrub-plan.js';
import { HoldBack } from './hold-back.js';
import { blockedResponse, type PieceScrub } from './scrub-stream.js';

/** Something that was found and still goes on is let go after this much, so that memory has a bound. */
const LONGEST_HELD_BYTES = 131_072;

/** Text or JSON that comes in chunks, cut anywhere. */
export class TextPieces implements PieceScrub {
  readonly counts = new FindingCounts();
  readonly #holdBack: HoldBack;
  #held = Buffer.alloc(0);
  #json: JsonState = AT_START;

  constructor(
    private readonly plan: ScrubPlan,
    private readonly needles: Needles,
    private readonly form: Form,
    private readonly mode: ScrubMode,
  ) {
    this.#holdBack = new HoldBack(plan, needles, form);
  }

  push(chunk: Buffer): Buffer {
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    return this.#pass(bytes, this.#holdBack.from(bytes));
  }

  end(): Buffer {
    return this.#pass(this.#held, this.#held.length);
  }

  #pass(bytes: Buffer, holdFrom: number): Buffer {
    const spans = lookThrough(this.plan, this.needles, bytes, this.form);
    const across = spans.find(({ start, end }) => start < holdFrom && end > holdFrom);
    let cut = across?.start ?? holdFrom;
    if (bytes.length - cut > LONGEST_HELD_BYTES) cut = across?.end ?? holdFrom;
    const passing = spans.filter(({ end }) => end <= cut);
    this.counts.add(passing);
    if (this.mode === 'block' && passing.length > 0) throw blockedResponse();
    // A copy, so that a few bytes do not keep a whole chunk alive.
    this.#held = Buffer.from(bytes.subarray(cut));
    const piece = bytes.subarray(0, cut);
    const clean = redact(this.needles, piece, toRedact(passing, this.mode), this.form, this.#json);
    if (this.form === 'json') this.#json = jsonStateAfter(piece, this.#json);
    return clean;
  }
}
