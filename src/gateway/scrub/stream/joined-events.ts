import type { ScrubMode } from '../../tool/tool-spec.js';
import { utf8Text } from '../byte-text.js';
import type { FindingCounts } from '../findings.js';
import type { Needles } from '../needles.js';
import type { ScrubPlan } from '../scrub-plan.js';
import type { EventStrings, JsonString } from './json-strings.js';
import { JoinedString, type LetGo, type StringPart } from './joined-string.js';
import { CredentialLook, TextLook, type StringLook } from './string-look.js';

/** The most that is held back of a stream. */
const WINDOW_EVENTS = 1_024;
const WINDOW_BYTES = 524_288;
/** A string with which so many events do not go on has ended, as far as anybody can tell. */
const QUIET_EVENTS = 16;
/** How many strings may go on at once; more of them, and the one that waits longest is taken to have ended. */
const MAX_STRINGS = 64;
/** By which types of events providers say that a message has all its text. */
const ENDS = /(?:_stop|[._]done)$/;

/** A string of an event, and whether it is text; see {@link TextPlaces}. */
export interface EventString extends JsonString {
  readonly isText: boolean;
  /** Whether it is what the event says and no string of JSON, so that nothing in it is an escape. */
  readonly isBare?: boolean;
}

/** An event that waits until its strings are looked through together with those of the next. */
interface Held {
  readonly payload: string;
  readonly parts: readonly { readonly string: EventString; readonly part: StringPart }[];
  readonly bytes: number;
  readonly tick: number;
  /** The event with other data; with the same data it is what it was. */
  readonly with: (payload: string) => Buffer;
}

/**
 * Joins what strings at the same place of consecutive events say, and lets events go, in order, once nothing that is looked
 * for can begin in them and end in a later one. Bounded: {@link WINDOW_EVENTS}, {@link WINDOW_BYTES}, and by the ticks of
 * whoever holds it.
 */
export class JoinedEvents {
  readonly #text: StringLook;
  readonly #credential: StringLook;
  readonly #strings = new Map<string, JoinedString>();
  #queue: Held[] = [];
  #heldBytes = 0;
  #event = 0;
  #tick = 0;
  #lastPush = 0;

  constructor(
    plan: ScrubPlan,
    private readonly needles: Needles,
    private readonly mode: ScrubMode,
    private readonly counts: FindingCounts,
  ) {
    this.#text = new TextLook(plan, needles);
    this.#credential = new CredentialLook(needles);
  }

  /** Whether an event is held back. */
  get holds(): boolean {
    return this.#queue.length > 0;
  }

  /** Takes an event; answers what may leave. */
  push(
    bytes: number,
    payload: string,
    event: (Omit<EventStrings, 'strings'> & { readonly strings: readonly EventString[] }) | undefined,
    rebuild: (payload: string) => Buffer,
  ): Buffer[] {
    this.#event += 1;
    this.#lastPush = this.#tick;
    const parts = (event?.strings ?? []).flatMap((string) => {
      const part = this.#part(string, payload, event?.group ?? '');
      return part === undefined ? [] : [{ string, part }];
    });
    this.#queue.push({ payload, parts, bytes, tick: this.#tick, with: rebuild });
    this.#heldBytes += bytes;
    if (event !== undefined && event.group !== '' && ENDS.test(event.type))
      this.#finish((string) => string.group === event.group);
    this.#finish(({ lastEvent }) => this.#event - lastEvent > QUIET_EVENTS);
    const ready = this.#ready();
    if (this.#queue.length <= WINDOW_EVENTS && this.#heldBytes <= WINDOW_BYTES) return ready;
    return [...ready, ...this.#letGo('all')];
  }

  /** Time goes by; answers what must not wait longer: all where `longestTicks` went by, or where nothing came for two. */
  tick(longestTicks: number): Buffer[] {
    this.#tick += 1;
    const [first] = this.#queue;
    if (first === undefined) return [];
    if (this.#tick - first.tick >= longestTicks) return this.#letGo('all');
    return this.#tick - this.#lastPush >= 2 ? this.#letGo('begun') : [];
  }

  /** What is left when nothing more comes. */
  end(): Buffer[] {
    return this.#letGo('all');
  }

  #part(string: EventString, payload: string, group: string): StringPart | undefined {
    const { place, isText, isBare, start, end } = string;
    const known = this.#strings.has(place);
    if (!isText && !known && this.needles.empty) return undefined;
    const written = payload.slice(start, end);
    const text = isBare === true ? written : readable(written);
    // By itself it was looked through with its event; nearly all strings neither begin nor go on with anything.
    if (!isText && !known && this.needles.openIn(text) === text.length) return undefined;
    const part = { text, clean: '', done: false };
    const joined = this.#joined(string, group);
    joined.add(part);
    joined.settle('word');
    if (joined.isOver) this.#strings.delete(place);
    return part;
  }

  #joined({ place, isText }: EventString, group: string): JoinedString {
    const look = isText ? this.#text : this.#credential;
    const joined = this.#strings.get(place) ?? new JoinedString(look, group, this.mode, this.counts);
    // Once text, always text.
    if (isText) joined.look = look;
    joined.lastEvent = this.#event;
    // Those that went on last are at the end.
    this.#strings.delete(place);
    this.#strings.set(place, joined);
    if (this.#strings.size > MAX_STRINGS) {
      for (const [oldest, string] of this.#strings) {
        string.settle('all');
        this.#strings.delete(oldest);
        break;
      }
    }
    return joined;
  }

  #finish(ended: (string: JoinedString) => boolean): void {
    for (const [place, string] of this.#strings) {
      if (!ended(string)) continue;
      string.settle('all');
      this.#strings.delete(place);
    }
  }

  #letGo(letGo: LetGo): Buffer[] {
    for (const string of this.#strings.values()) if (string.holds) string.settle(letGo);
    return this.#ready();
  }

  #ready(): Buffer[] {
    let count = 0;
    while (this.#queue[count]?.parts.every(({ part }) => part.done) === true) count += 1;
    const ready = this.#queue.slice(0, count);
    if (count > 0) this.#queue = this.#queue.slice(count);
    for (const { bytes } of ready) this.#heldBytes -= bytes;
    return ready.map((held) => held.with(cleaned(held)));
  }
}

function cleaned({ payload, parts }: Held): string {
  let clean = '';
  let at = 0;
  for (const { string, part } of parts) {
    if (part.clean === part.text) continue;
    clean += payload.slice(at, string.start) + (string.isBare === true ? part.clean : written(part.clean));
    at = string.end;
  }
  return clean + payload.slice(at);
}

/** What the characters of a JSON string stand for. */
function readable(written: string): string {
  if (!written.includes('\\')) return written;
  return utf8Text(JSON.parse(`"${Buffer.from(written, 'latin1').toString('utf8')}"`) as string);
}

function written(read: string): string {
  return utf8Text(JSON.stringify(Buffer.from(read, 'latin1').toString('utf8')).slice(1, -1));
}
