/** Why a text is not accepted as a JSON object. */
export type JsonFault = 'not-json' | 'not-an-object' | 'ambiguous-name' | 'too-deep' | 'unstorable-text';

/** Thrown by {@link parseStrictObject}; carries no text of the input. */
export class StrictJsonError extends Error {
  constructor(readonly fault: JsonFault) {
    super(`refused as a JSON object: ${fault}`);
    this.name = 'StrictJsonError';
  }
}

const MAX_DEPTH = 16;
const STRING_LITERAL = /"[^"\\]*(?:\\.[^"\\]*)*"/y;
const BLANKS = /[ \t\n\r]*/y;
// NUL has no place in a Postgres text, a lone surrogate none in jsonb or in UTF-8.
const UNSTORABLE = /\0|\p{Surrogate}/u;

/**
 * Parses a JSON object and refuses what two parsers could read in two ways (RFC 8259 §4): a member name that
 * occurs twice at any depth, or twice but for its case at the top. Answers an object without a prototype.
 * Throws {@link StrictJsonError}.
 */
export function parseStrictObject(text: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new StrictJsonError('not-json');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new StrictJsonError('not-an-object');
  }
  refuseAmbiguity(text);
  return Object.assign(Object.create(null) as Record<string, unknown>, value);
}

/** Walks text that `JSON.parse` has accepted, so only names and nesting need to be looked at. */
function refuseAmbiguity(text: string): void {
  const open: Set<string>[] = [];
  const folded = new Set<string>();
  let at = 0;
  while (at < text.length) {
    const character = text[at];
    if (character === '{' || character === '[') {
      open.push(new Set());
      if (open.length > MAX_DEPTH) throw new StrictJsonError('too-deep');
    } else if (character === '}' || character === ']') {
      open.pop();
    } else if (character === '"') {
      STRING_LITERAL.lastIndex = at;
      const literal = STRING_LITERAL.exec(text)?.[0] ?? '';
      at += literal.length;
      const value = JSON.parse(literal) as string;
      if (UNSTORABLE.test(value)) throw new StrictJsonError('unstorable-text');
      BLANKS.lastIndex = at;
      at += BLANKS.exec(text)?.[0].length ?? 0;
      if (text[at] === ':') {
        addName(open.at(-1), value);
        if (open.length === 1) addName(folded, fold(value));
      }
      continue;
    }
    at += 1;
  }
}

function addName(names: Set<string> | undefined, name: string): void {
  if (names === undefined || names.has(name)) throw new StrictJsonError('ambiguous-name');
  names.add(name);
}

/** Upper before lower case, so that `ſ` folds to `s` and the Kelvin sign to `k`, as lenient parsers do. */
function fold(name: string): string {
  return name.normalize('NFKC').toUpperCase().toLowerCase();
}
