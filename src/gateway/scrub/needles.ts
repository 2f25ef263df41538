import type { Secret } from '../../kernel/secret.js';
import { utf8Text, type ByteText } from './byte-text.js';
import { NeedleSearch } from './needle-search.js';
import { CREDENTIAL, type Emit } from './span.js';

/** A shorter secret cannot be told from ordinary text, and is not looked for. */
export const MIN_SECRET_BYTES = 4;
/** Base64 of a secret in the middle of something longer, less than this, would be found everywhere. */
const MIN_CORE_CHARACTERS = 5;
/** Lines of a long secret, such as a private key, are looked for by themselves from this length on. */
const MIN_LINE_BYTES = 24;
/** Below this, searching needle by needle is faster than making the table for all. */
const TABLE_FROM_BYTES = 8_192;

interface Needle {
  readonly text: string;
  /** Characters around it that still hold bits of the secret. */
  readonly before: number;
  readonly after: number;
}

/**
 * Everything that a set of secrets may look like without being escaped character by character: raw, hex, and base64 in
 * each of the three ways in which it may lie in something longer. Escapes are undone before this looks.
 */
export class Needles {
  readonly #needles: ReadonlyMap<string, Needle>;
  /** Bytes of the longest secret. */
  readonly longestBytes: number;
  /** Whether a secret reaches over what ends words: spaces, quotes, line ends. */
  readonly hasSeparators: boolean;
  readonly #longestNeedle: number;
  #search: NeedleSearch | undefined;
  static readonly #none = new Needles([]);
  static readonly #made = new WeakMap<readonly Secret[], Needles>();

  private constructor(raw: readonly string[]) {
    const needles = new Map<string, Needle>();
    for (const secret of raw) addSecret(needles, secret);
    this.#needles = needles;
    this.#longestNeedle = Math.max(0, ...[...needles.keys()].map((needle) => needle.length));
    this.longestBytes = Math.max(0, ...raw.map((secret) => secret.length));
    this.hasSeparators = raw.some((secret) => /[\s"'<>]/.test(secret));
  }

  /** Made once for each list: a credential that many calls have in common is prepared by the first of them. */
  static of(secrets: readonly Secret[]): Needles {
    let needles = Needles.#made.get(secrets);
    if (needles === undefined) Needles.#made.set(secrets, (needles = Needles.#from(secrets)));
    return needles;
  }

  static #from(secrets: readonly Secret[]): Needles {
    const raw = secrets
      .map((secret) => utf8Text(secret.expose()))
      .filter((text) => text.length >= MIN_SECRET_BYTES);
    return raw.length === 0 ? Needles.#none : new Needles([...new Set(raw)]);
  }

  get empty(): boolean {
    return this.#needles.size === 0;
  }

  /** Reports every place of a secret in `from` to `to`. */
  search(source: ByteText, from: number, to: number, emit: Emit): void {
    if (this.#needles.size === 0) return;
    if (this.#search === undefined && to - from < TABLE_FROM_BYTES) {
      this.#searchOneByOne(source.text, from, to, emit);
      return;
    }
    this.#search ??= new NeedleSearch([...this.#needles.keys()]);
    this.#search.search(source.bytes, from, to, (start, end) => {
      const needle = this.#needles.get(source.text.slice(start, end));
      if (needle !== undefined) report(needle, start, from, to, emit);
    });
  }

  #searchOneByOne(text: string, from: number, to: number, emit: Emit): void {
    // A search of the whole text for each part of it would cost more than linear time.
    const part = from === 0 && to === text.length ? text : text.slice(from, to);
    for (const needle of this.#needles.values()) {
      for (let at = part.indexOf(needle.text); at >= 0; at = part.indexOf(needle.text, at + 1)) {
        report(needle, from + at, from, to, emit);
      }
    }
  }

  /** Where the longest end of the bytes begins that a needle could begin with; their length where there is none. */
  openFrom(bytes: Buffer): number {
    const from = Math.max(0, bytes.length - this.#longestNeedle + 1);
    return from + this.openIn(bytes.toString('latin1', from));
  }

  /** The same of a text with a character for each byte. */
  openIn(text: string): number {
    const from = Math.max(0, text.length - this.#longestNeedle + 1);
    return from + this.#openIn(from === 0 ? text : text.slice(from));
  }

  #openIn(text: string): number {
    let open = text.length;
    for (const needle of this.#needles.keys()) {
      const first = needle.charAt(0);
      for (let at = text.indexOf(first); at >= 0 && at < open; at = text.indexOf(first, at + 1)) {
        if (text.length - at < needle.length && needle.startsWith(text.slice(at))) open = at;
      }
    }
    return open;
  }
}

function report(needle: Needle, start: number, from: number, to: number, emit: Emit): void {
  emit(
    Math.max(from, start - needle.before),
    Math.min(to, start + needle.text.length + needle.after),
    CREDENTIAL,
  );
}

function addSecret(needles: Map<string, Needle>, secret: string): void {
  addEncodings(needles, secret);
  // Forms (application/x-www-form-urlencoded) write a space as a plus sign.
  if (secret.includes(' ')) addEncodings(needles, secret.replaceAll(' ', '+'));
  const lines = secret.split(/\r?\n/);
  if (lines.length > 1) {
    for (const line of lines) {
      if (line.length >= MIN_LINE_BYTES && !line.startsWith('-----')) addEncodings(needles, line);
    }
  }
}

function addEncodings(needles: Map<string, Needle>, secret: string): void {
  const bytes = Buffer.from(secret, 'latin1');
  add(needles, secret);
  add(needles, bytes.toString('hex'));
  add(needles, bytes.toString('hex').toUpperCase());
  for (const bytesBefore of [0, 1, 2]) {
    const padded = Buffer.concat([Buffer.alloc(bytesBefore), bytes]);
    const bits = padded.length * 8;
    // Only characters whose six bits all belong to the secret are the same whatever lies around it.
    const first = Math.ceil((bytesBefore * 8) / 6);
    const last = Math.floor(bits / 6);
    if (last - first < MIN_CORE_CHARACTERS) continue;
    const before = first - Math.floor((bytesBefore * 8) / 6);
    const after = Math.ceil(bits / 6) - last;
    add(needles, padded.toString('base64').slice(first, last), before, after);
    add(needles, padded.toString('base64url').slice(first, last), before, after);
  }
}

function add(needles: Map<string, Needle>, text: string, before = 0, after = 0): void {
  if (!needles.has(text)) needles.set(text, { text, before, after });
}
