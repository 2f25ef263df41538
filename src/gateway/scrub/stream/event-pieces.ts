import { BrokerError } from '../../../kernel/broker-error.js';
import type { ScrubMode } from '../../tool/tool-spec.js';
import { FindingCounts } from '../findings.js';
import { lookThrough, redact, toRedact } from '../look.js';
import type { Needles } from '../needles.js';
import type { Form } from '../scan.js';
import type { ScrubPlan } from '../scrub-plan.js';
import type { Span } from '../span.js';
import { EventLines } from './event-lines.js';
import { JoinedEvents, type EventString } from './joined-events.js';
import { jsonStrings, type EventStrings } from './json-strings.js';
import { blockedResponse, LONGEST_HOLD_TICKS, type PieceScrub } from './scrub-stream.js';
import { TextPlaces } from './text-places.js';

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** Longer than any event of an honest provider, images in base64 included. */
const LONGEST_EVENT_BYTES = 16_777_216;

type Marked = Omit<EventStrings, 'strings'> & { readonly strings: readonly EventString[] };

/**
 * Server-sent events (HTML Living Standard §9.2): each is looked through by itself once its last line has come, and the
 * strings of JSON that go on from one to the next are looked through as one.
 */
export class EventPieces implements PieceScrub {
  readonly counts = new FindingCounts();
  readonly #joined: JoinedEvents;
  readonly #places = new TextPlaces();
  #held: Buffer[] = [];
  #heldBytes = 0;
  #lineIsEmpty = true;
  #afterReturn = false;

  constructor(
    private readonly plan: ScrubPlan,
    private readonly needles: Needles,
    private readonly mode: ScrubMode,
  ) {
    this.#joined = new JoinedEvents(plan, needles, mode, this.counts);
  }

  get holds(): boolean {
    return this.#joined.holds;
  }

  push(chunk: Buffer): Buffer {
    const clean: Buffer[] = [];
    let from = 0;
    for (let at = 0; at < chunk.length; at += 1) {
      if (!this.#endsEvent(chunk[at] as number)) continue;
      clean.push(...this.#scrub(this.#take(chunk.subarray(from, at + 1))));
      from = at + 1;
    }
    if (from < chunk.length) this.#hold(chunk.subarray(from));
    return Buffer.concat(clean);
  }

  tick(): Buffer {
    return Buffer.concat(this.#joined.tick(LONGEST_HOLD_TICKS));
  }

  end(): Buffer {
    return Buffer.concat([...this.#scrub(this.#take(Buffer.alloc(0))), ...this.#joined.end()]);
  }

  /** Whether this byte is the end of an empty line. */
  #endsEvent(byte: number): boolean {
    const follows = this.#afterReturn && byte === LINE_FEED;
    this.#afterReturn = byte === CARRIAGE_RETURN;
    // The second half of CR LF says nothing new.
    if (follows) return false;
    const ends = byte === LINE_FEED || byte === CARRIAGE_RETURN;
    const empty = ends && this.#lineIsEmpty;
    this.#lineIsEmpty = ends;
    return empty;
  }

  #hold(part: Buffer): void {
    this.#heldBytes += part.length;
    if (this.#heldBytes > LONGEST_EVENT_BYTES)
      throw new BrokerError('upstream_response_refused', { detail: 'An event of the stream has no end.' });
    this.#held.push(Buffer.from(part));
  }

  #take(last: Buffer): Buffer {
    const event = this.#held.length === 0 ? last : Buffer.concat([...this.#held, last]);
    this.#held = [];
    this.#heldBytes = 0;
    return event;
  }

  #scrub(event: Buffer): Buffer[] {
    if (event.length === 0) return [];
    const lines = new EventLines(event);
    const others = this.#clean(lines.others, 'text', []);
    const isJson = /^[\s]*[{["]/.test(lines.payload);
    const found = this.#strings(lines.payload, isJson);
    const payload = this.#clean(lines.payload, isJson ? 'json' : 'text', found?.strings ?? []);
    const strings = payload === lines.payload ? found : this.#strings(payload, isJson);
    // A copy, so that a few bytes do not keep a whole chunk alive.
    const whole = Buffer.from(event);
    return this.#joined.push(event.length, payload, strings, (clean) =>
      clean === lines.payload && others === lines.others ? whole : lines.with(clean, others),
    );
  }

  #strings(payload: string, isJson: boolean): Marked | undefined {
    const found = isJson ? jsonStrings(payload) : bareString(payload);
    if (found === undefined) return undefined;
    const strings = found.strings.map((string) => ({
      ...string,
      isText: this.#places.isText(string, payload.slice(string.start, string.end)),
    }));
    return { ...found, strings };
  }

  /** What lies within a text that goes on is left to the look through the whole of it. */
  #clean(text: string, form: Form, strings: readonly EventString[]): string {
    if (text === '') return text;
    const bytes = Buffer.from(text, 'latin1');
    const found = lookThrough(this.plan, this.needles, bytes, form);
    const spans = found.length === 0 || strings.length === 0 ? found : outside(found, strings);
    this.counts.add(spans);
    if (this.mode === 'block' && spans.length > 0) throw blockedResponse();
    const clean = redact(this.needles, bytes, toRedact(spans, this.mode), form);
    return clean === bytes ? text : clean.toString('latin1');
  }
}

/** What an event says that is a line of text, such as a word of a model. */
function bareString(payload: string): Marked | undefined {
  if (payload === '' || payload.includes('\n')) return undefined;
  const string = { place: 'data', name: '', inDelta: false, start: 0, end: payload.length };
  return { type: '', group: '', strings: [{ ...string, isText: false, isBare: true }] };
}

/** Those that do not lie within a text; both are in order. */
function outside(spans: readonly Span[], strings: readonly EventString[]): readonly Span[] {
  let next = 0;
  return spans.filter(({ start, end }) => {
    while (next < strings.length && (strings[next] as EventString).end < end) next += 1;
    const string = strings[next];
    return string === undefined || !string.isText || start < string.start;
  });
}
