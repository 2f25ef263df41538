import canonicalizeModule from 'canonicalize';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../../src/audit/canonical-json.js';

const library = canonicalizeModule as unknown as (value: unknown) => string | undefined;

describe('canonical JSON (RFC 8785)', () => {
  it.each([[Number.NaN], [Number.POSITIVE_INFINITY], [{ a: [Number.NaN] }], [undefined], [() => 1]])(
    'refuses what JSON does not have: %s',
    (value) => {
      expect(() => canonicalJson(value)).toThrow();
    },
  );

  it('orders members by UTF-16 code units, at every depth', () => {
    // The example of RFC 8785 §3.2.3.
    const names = ['\r', '1', '\u0080', '\u00f6', '\u20ac', '\u{1f600}', '\ufb33'];
    const members = names.map((name, index) => [name, index] as const);
    const inner = `{${members.map(([name, index]) => `${JSON.stringify(name)}:${index}`).join(',')}}`;
    expect(canonicalJson({ b: 1, a: Object.fromEntries(members.toReversed()), A: [{ z: 1, y: 2 }] })).toBe(
      `{"A":[{"y":2,"z":1}],"a":${inner},"b":1}`,
    );
  });

  it('orders members that are whole numbers like any other', () => {
    expect(canonicalJson({ '9': 1, '10': 2, a: 3 })).toBe('{"10":2,"9":1,"a":3}');
  });

  it('takes __proto__ for a member', () => {
    expect(canonicalJson(JSON.parse('{"b":1,"__proto__":{"a":2}}'))).toBe('{"__proto__":{"a":2},"b":1}');
  });

  it('leaves out members that are undefined, and asks dates for their text', () => {
    expect(canonicalJson({ b: undefined, a: new Date(0), c: [undefined] })).toBe(
      '{"a":"1970-01-01T00:00:00.000Z","c":[null]}',
    );
  });

  it('is what the library of the RFC writes', () => {
    const json = fc.jsonValue({ maxDepth: 6, stringUnit: 'binary' });
    fc.assert(
      fc.property(json, (value) => {
        expect(canonicalJson(value)).toBe(library(value));
      }),
      { numRuns: 2_000, seed: 8785 },
    );
  });
});
