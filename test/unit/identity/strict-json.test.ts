import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StrictJsonError, parseStrictObject } from '../../../src/identity/strict-json.js';

function faultOf(text: string): string {
  try {
    parseStrictObject(text);
  } catch (error) {
    if (error instanceof StrictJsonError) return error.fault;
    throw error;
  }
  return 'accepted';
}

describe('parseStrictObject', () => {
  it.each([
    ['not-json', ''],
    ['not-json', '{'],
    ['not-json', '{"a":1,}'],
    ['not-json', "{'a':1}"],
    ['not-json', '\ufeff{}'],
    ['not-an-object', 'null'],
    ['not-an-object', '[]'],
    ['not-an-object', '"text"'],
    ['ambiguous-name', '{"a":1,"a":1}'],
    ['ambiguous-name', '{"a":1,"\\u0061":2}'],
    ['ambiguous-name', '{"sub":"x","SUB":"y"}'],
    ['ambiguous-name', '{"sub":"x","\u017fub":"y"}'],
    ['ambiguous-name', '{"kid":"x","\u212aid":"y"}'],
    ['ambiguous-name', '{"a" \n: {"b":1,"b" \t:2}}'],
    ['ambiguous-name', '{"a":[{"b":1},{"c":1,"c":2}]}'],
    ['ambiguous-name', '{"__proto__":1,"__proto__":2}'],
    ['too-deep', `{"a":${'['.repeat(20)}${']'.repeat(20)}}`],
    ['unstorable-text', '{"a":"\\u0000"}'],
    ['unstorable-text', '{"a":"\\ud800"}'],
    ['unstorable-text', '{"\\udc00":1}'],
  ])('refuses as %s: %s', (fault, text) => {
    expect(faultOf(text)).toBe(fault);
  });

  it('does not mistake text for structure', () => {
    const text = '{"a":"{\\"a\\":1,\\"a\\":2}","b":["a","a"],"c":{"a":1,"A":2},"d":"\\\\"}';
    expect(parseStrictObject(text)).toEqual(JSON.parse(text));
  });

  it('gives no member that the text does not have', () => {
    const value = parseStrictObject('{"__proto__":{"admin":true}}');
    expect(value['constructor']).toBeUndefined();
    expect(value['admin']).toBeUndefined();
    expect(Object.keys(value)).toEqual(['__proto__']);
  });

  const names = fc
    .string({ unit: 'binary', minLength: 1, maxLength: 8 })
    .filter((name) => !name.includes('\0'));

  it('agrees with JSON.parse on every object without ambiguity', () => {
    const folded = (name: string): string => name.normalize('NFKC').toUpperCase().toLowerCase();
    const object = fc
      .uniqueArray(fc.tuple(names, fc.jsonValue({ maxDepth: 3 })), { selector: ([name]) => folded(name) })
      .map((members) => JSON.stringify(Object.fromEntries(members)));
    fc.assert(
      fc.property(object, (text) => {
        fc.pre(!/\\u0000|\\ud[89a-f]/i.test(text));
        expect({ ...parseStrictObject(text) }).toEqual({ ...(JSON.parse(text) as object) });
      }),
    );
  });

  it('finds a repeated name wherever it is put, however it is escaped', () => {
    const escaped = (name: string): string =>
      `"${[...name].flatMap((c) => c.split('').map((u) => `\\u${u.charCodeAt(0).toString(16).padStart(4, '0')}`)).join('')}"`;
    fc.assert(
      fc.property(
        fc.uniqueArray(names, {
          minLength: 1,
          maxLength: 5,
          selector: (name) => name.normalize('NFKC').toUpperCase(),
        }),
        fc.nat(),
        fc.nat(),
        fc.boolean(),
        (unique, which, where, nested) => {
          const repeated = unique[which % unique.length] ?? '';
          const members = unique.map((name) => `${JSON.stringify(name)}: 1`);
          members.splice(where % (members.length + 1), 0, `${escaped(repeated)} : 2`);
          const object = `{${members.join(',')}}`;
          expect(faultOf(nested ? `{"outer":[${object}]}` : object)).toBe('ambiguous-name');
        },
      ),
    );
  });
});
