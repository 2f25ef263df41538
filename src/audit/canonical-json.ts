import canonicalizeModule from 'canonicalize';

// The package's types describe an ES module, and it is a CommonJS one.
const canonicalize = canonicalizeModule as unknown as (value: unknown) => string | undefined;

/** Members that JavaScript would put in an order of its own, or take for something else than a member. */
const UNORDERED = /^(?:\d+|__proto__)$/;

/** A member that only the library can put in its place. */
class Unordered extends Error {}

/**
 * The canonical JSON text of a value (RFC 8785); members that are `undefined` are left out.
 *
 * Texts and numbers are written there as ECMAScript writes them, so all that is left to do is to order members. The
 * runtime's own writer is several times as fast as one in JavaScript, and each event waits for it; what it cannot
 * order is left to the library. A test compares the two.
 */
export function canonicalJson(value: unknown): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(ordered(value));
  } catch (error) {
    if (!(error instanceof Unordered)) throw error;
    text = canonicalize(value);
  }
  if (text === undefined) throw new TypeError('not a JSON value');
  return text;
}

function ordered(value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError('not a JSON number');
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(ordered);
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    return ordered((value as { toJSON(): unknown }).toJSON());
  }
  const result: Record<string, unknown> = {};
  for (const key of inOrder(Object.keys(value))) {
    if (UNORDERED.test(key)) throw new Unordered();
    result[key] = ordered((value as Record<string, unknown>)[key]);
  }
  return result;
}

/** Up to how many names are moved to their places one by one: they are few, and often in order. */
const FEW = 32;

/** Sorts the names where they stand, by UTF-16 code units (RFC 8785 §3.2.3). */
function inOrder(names: string[]): readonly string[] {
  if (names.length > FEW) return names.sort();
  for (let index = 1; index < names.length; index += 1) {
    const name = names[index] ?? '';
    let place = index;
    for (; place > 0 && (names[place - 1] ?? '') > name; place -= 1) names[place] = names[place - 1] ?? '';
    names[place] = name;
  }
  return names;
}
