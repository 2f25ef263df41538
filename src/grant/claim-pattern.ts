/** A value that a condition may want: text (perhaps with `*`), or a number or boolean of exactly that type. */
export type WantedValue = string | number | boolean;

/** How far a claim's value came before it differed from what was wanted. */
export interface Distance {
  readonly matched: boolean;
  /** Segments from the left that agree. */
  readonly agreeing: number;
  /** Where the first difference is, for the operator. */
  readonly differs: string | undefined;
}

/** A wanted value that was checked; ask it, never the text. */
export interface ClaimPattern {
  readonly wanted: WantedValue;
  /** Whether it says nothing about the value besides its number of segments. */
  readonly wildcardOnly: boolean;
  /** Whether this one value (never a list) is what was wanted. */
  matches(value: unknown): boolean;
  /** How near the value came. */
  distance(value: unknown): Distance;
}

const LONGEST = 1_024;

/**
 * Compiles one wanted value; throws a `TypeError` that says what is wrong.
 *
 * Text is compared code unit by code unit: no case folding, no normalisation, no trimming, no coercion. `*` stands
 * for one or more characters inside one segment; segments end at `/` and `:`, which must stand in the same places.
 * So `repo:acme/*:ref:refs/heads/main` never matches `repo:acme/a/b:ref:refs/heads/main`. There is no other special
 * character and no way to write a `*` that means itself (use CEL). A number or boolean matches its own type only.
 */
export function compilePattern(wanted: WantedValue): ClaimPattern {
  if (typeof wanted !== 'string') return exactPattern(wanted);
  if (wanted === '') throw new TypeError('is empty, and an empty value never matches');
  if (wanted.length > LONGEST) throw new TypeError(`is longer than ${LONGEST} characters`);
  if (wanted.includes('**'))
    throw new TypeError('has `**`: a `*` matches within one segment, and there is nothing that crosses one');
  return segmentPattern(wanted);
}

function exactPattern(wanted: number | boolean): ClaimPattern {
  if (typeof wanted === 'number' && !Number.isFinite(wanted)) throw new TypeError('is not a number');
  return {
    wanted,
    wildcardOnly: false,
    matches: (value) => value === wanted,
    distance: (value) => ({
      matched: value === wanted,
      agreeing: 0,
      differs:
        value === wanted ? undefined : `wanted the ${typeof wanted} ${wanted}, found ${described(value)}`,
    }),
  };
}

function segmentPattern(wanted: string): ClaimPattern {
  const segments = split(wanted);
  const tests = segments.map((segment) => segmentTest(segment));
  const distance = (value: unknown): Distance => {
    if (typeof value !== 'string')
      return { matched: false, agreeing: 0, differs: `wanted text, found ${described(value)}` };
    const found = split(value);
    for (const [index, test] of tests.entries()) {
      const segment = found[index];
      if (segment === undefined || !test(segment)) {
        const shown = segment === undefined ? 'the end' : described(segment);
        return {
          matched: false,
          agreeing: index,
          differs: `part ${index + 1}: wanted ${described(segments[index])}, found ${shown}`,
        };
      }
    }
    const rest = found[tests.length];
    return rest === undefined
      ? { matched: true, agreeing: tests.length, differs: undefined }
      : {
          matched: false,
          agreeing: tests.length,
          differs: `part ${tests.length + 1}: wanted the end, found ${described(rest)}`,
        };
  };
  return {
    wanted,
    wildcardOnly: /^[*/:]+$/.test(wanted) && wanted.includes('*'),
    matches: (value) => distance(value).matched,
    distance,
  };
}

/** Parts of a value: segments, and the separators between them as parts of their own. */
function split(text: string): string[] {
  return text.split(/([/:])/);
}

/** Tests one segment; each piece between stars is looked for from the left, so the time is bounded by the product of the lengths. */
function segmentTest(pattern: string): (segment: string) => boolean {
  const pieces = pattern.split('*');
  const first = pieces[0] ?? '';
  if (pieces.length === 1) return (segment) => segment === first;
  const last = pieces.at(-1) ?? '';
  const middle = pieces.slice(1, -1);
  return (segment) => {
    if (!segment.startsWith(first)) return false;
    let at = first.length;
    for (const piece of middle) {
      // One character at least belongs to the star before the piece.
      const found = segment.indexOf(piece, at + 1);
      if (found < 0) return false;
      at = found + piece.length;
    }
    return segment.length - last.length >= at + 1 && segment.endsWith(last);
  };
}

const SHOWN = 128;

/** A value for the operator's eyes: its type if it is not text, and never more than a line of it. */
export function described(value: unknown): string {
  if (typeof value === 'string')
    return JSON.stringify(value.length > SHOWN ? `${value.slice(0, SHOWN)}…` : value);
  if (typeof value === 'number' || typeof value === 'boolean') return `the ${typeof value} ${value}`;
  if (value === undefined) return 'nothing';
  return value === null ? 'null' : Array.isArray(value) ? 'a list' : 'an object';
}
