/** A string value in a JSON text. */
export interface JsonString {
  /** What it is a piece of: its JSON pointer, with `index` and its like in place of positions in arrays. */
  readonly place: string;
  /** Of the member that it is the value of; empty in an array and at the top. */
  readonly name: string;
  /** Whether one of the members on the way to it is called `delta`. */
  readonly inDelta: boolean;
  /** Where its characters begin and end, without the quotes. */
  readonly start: number;
  readonly end: number;
}

/** The strings of one event. */
export interface EventStrings {
  readonly strings: readonly JsonString[];
  /** Member `type` at the top; empty where there is none. */
  readonly type: string;
  /** What members at the top say about which of several messages it belongs to; empty where they say nothing. */
  readonly group: string;
}

/** An object or array on the way to a value. */
interface Frame {
  readonly parent: Frame | undefined;
  /** Where it is in its parent. */
  readonly label: string;
  readonly isArray: boolean;
  readonly inDelta: boolean;
  /** The member whose value comes next; undefined where a name does. */
  name: string | undefined;
  position: number;
  /** Members that tell it from others of its kind. */
  marks: string;
  place: string | undefined;
}

/** Deeper, and beyond so many in one event, strings are not joined. */
const MAX_DEPTH = 32;
const MAX_STRINGS = 256;
const LONGEST_NAME = 64;
const LONGEST_MARKS = 128;
const INDEX = /^(?:index|\w{1,30}_index)$/;
const NUMBER = /[0-9.eE+-]+/y;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** The string values of a JSON text, a character for each byte. Undefined for what is not JSON. Takes linear time. */
export function jsonStrings(text: string): EventStrings | undefined {
  try {
    JSON.parse(text);
  } catch {
    return undefined;
  }
  return new Walk(text).run();
}

/** Goes over a text that is known to be JSON, so that a few marks are all there is to look at. */
class Walk {
  readonly #found: { readonly frame: Frame | undefined; name: string; start: number; end: number }[] = [];
  #top: Frame | undefined;
  #frame: Frame | undefined;
  #type = '';
  #depth = 0;

  constructor(private readonly text: string) {}

  run(): EventStrings {
    const { text } = this;
    for (let at = 0; at < text.length; at += 1) {
      const character = text.charAt(at);
      if (character === '"') {
        const end = stringEnd(text, at + 1);
        this.#string(at + 1, end);
        at = end;
      } else if (character === '{' || character === '[') this.#open(character === '[');
      else if (character === '}' || character === ']') this.#close();
      else if (character === ',') this.#next();
      else if (character >= '0' && character <= '9') at = this.#number(at);
    }
    // Whatever order they are written in.
    const group = (this.#top?.marks ?? '').split(';').sort().join(';');
    return {
      type: this.#type,
      group,
      strings: this.#found.map(({ frame, name, start, end }) => ({
        place: `${this.#type} ${placeOf(frame)}/${name === '' ? (frame?.position ?? '') : name}`,
        name,
        inDelta: name === 'delta' || (frame?.inDelta ?? false),
        start,
        end,
      })),
    };
  }

  #string(start: number, end: number): void {
    const frame = this.#frame;
    if (frame !== undefined && !frame.isArray && frame.name === undefined) {
      frame.name = this.text.slice(start, Math.min(end, start + LONGEST_NAME));
      return;
    }
    const name = frame?.name ?? '';
    if (frame !== undefined && frame === this.#top) {
      const value = this.text.slice(start, Math.min(end, start + LONGEST_NAME));
      if (name === 'type') this.#type = value;
      if (name === 'item_id') this.#mark(name, value);
    }
    if (this.#depth <= MAX_DEPTH && this.#found.length < MAX_STRINGS)
      this.#found.push({ frame, name, start, end });
  }

  #number(at: number): number {
    NUMBER.lastIndex = at;
    NUMBER.test(this.text);
    const end = NUMBER.lastIndex;
    const { name } = this.#frame ?? {};
    if (name !== undefined && INDEX.test(name)) this.#mark(name, this.text.slice(at, end));
    return end - 1;
  }

  #mark(name: string, value: string): void {
    const frame = this.#frame;
    if (frame === undefined || frame.marks.length + value.length > LONGEST_MARKS) return;
    frame.marks += `${name}=${value};`;
  }

  #open(isArray: boolean): void {
    const parent = this.#frame;
    const label = parent === undefined ? '' : (parent.name ?? String(parent.position));
    const inDelta = label === 'delta' || (parent?.inDelta ?? false);
    this.#depth += 1;
    this.#frame = {
      parent,
      label,
      isArray,
      inDelta,
      name: undefined,
      position: 0,
      marks: '',
      place: undefined,
    };
    this.#top ??= this.#frame;
  }

  #close(): void {
    this.#depth -= 1;
    this.#frame = this.#frame?.parent;
  }

  #next(): void {
    if (this.#frame === undefined) return;
    if (this.#frame.isArray) this.#frame.position += 1;
    else this.#frame.name = undefined;
  }
}

// What an object says of itself counts for more than where it stands: events carry one element of an array each.
function placeOf(frame: Frame | undefined): string {
  if (frame === undefined) return '';
  if (frame.place === undefined) {
    const inArray = frame.parent?.isArray === true && frame.marks !== '';
    frame.place = `${placeOf(frame.parent)}/${inArray ? '' : frame.label}${frame.marks === '' ? '' : `#${frame.marks}`}`;
  }
  return frame.place;
}

function stringEnd(text: string, from: number): number {
  for (let at = from; ; at += 1) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at += 1;
    else if (code === QUOTE || at >= text.length) return at;
  }
}
