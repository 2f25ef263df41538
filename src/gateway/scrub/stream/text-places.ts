import type { JsonString } from './json-strings.js';

/** What members are called in which providers send the text of a model piece by piece. */
const TEXTS: ReadonlySet<string> = new Set([
  'arguments',
  'completion',
  'content',
  'delta',
  'generated_text',
  'output_text',
  'partial_json',
  'reasoning',
  'reasoning_content',
  'refusal',
  'text',
  'thinking',
  'token',
  'transcript',
]);
/** Members that say something about an event and never go on in the next, also within a `delta`. */
const ABOUT =
  /^(?:id|\w{1,40}_id|type|role|name|object|model|status|event|format|\w{1,40}_reason|stop_sequence|signature|obfuscation|system_fingerprint|service_tier|encrypted_content|created_at)$/;
const MAX_PROSE = 64;

/**
 * Tells which strings are pieces of a text: by name, by standing in a `delta`, or because one before it at the same place
 * began or ended with a space, as the words of a model do and names, numbers and whole lines do not.
 */
export class TextPlaces {
  readonly #prose = new Set<string>();

  isText({ place, name, inDelta }: JsonString, written: string): boolean {
    if (ABOUT.test(name)) return false;
    if (TEXTS.has(name) || inDelta || place.endsWith(' /')) return true;
    if (this.#prose.has(place)) return true;
    if (!/^(?: |\\n)| $/.test(written) || this.#prose.size >= MAX_PROSE) return false;
    this.#prose.add(place);
    return true;
  }
}
