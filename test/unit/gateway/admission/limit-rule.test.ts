import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { keyOf, rulesOf } from '../../../../src/gateway/admission/limit-rule.js';
import { packed, textArray } from '../../../../src/gateway/admission/array-literal.js';
import { toolSpecSchema } from '../../../../src/gateway/tool/tool-spec.js';

describe('rules of limits', () => {
  test('refuse by money first, then by rate, by open calls, by bytes', () => {
    const limits = toolSpecSchema.shape.limits.parse({
      bytes: [{ per: 'run', max: 1, window_seconds: 1 }],
      concurrent: [{ per: 'run', max: 1 }],
      calls: [{ per: 'run', max: 1, window_seconds: 1 }],
      budgets: [{ per: 'run', max_micros: 1 }],
    });
    expect(rulesOf(limits).map(({ kind }) => kind)).toEqual(['budget', 'calls', 'concurrent', 'bytes']);
    expect(rulesOf(limits)).toBe(rulesOf(limits));
  });

  test('of several limits on one figure the lowest counts', () => {
    const limits = toolSpecSchema.shape.limits.parse({
      calls: [9, 4, 7].map((max) => ({ per: 'grant', max, window_seconds: 60 })),
    });
    expect(rulesOf(limits).map(({ name, max }) => [name, max])).toEqual([['calls/grant/60', 4]]);
  });

  test('counters of other names have other keys', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (a, b) => (keyOf(a) === keyOf(b)) === (a === b)),
      { seed: 4 },
    );
    expect(keyOf('calls/run')).toMatch(/^[0-9a-f]{32}$/);
  });
});

describe('parameters', () => {
  test('any text stands quoted in an array', () => {
    expect(textArray(['a"b', 'c\\d', 'NULL', '', null])).toBe('{"a\\"b","c\\\\d","NULL","",NULL}');
  });

  test('leaves lie one behind the other', () => {
    const { from, sizes, bytes } = packed([Buffer.from('ab'), Buffer.from('cde'), Buffer.from('ü')]);
    expect([from, sizes, bytes.toString()]).toEqual(['{1,3,6}', '{2,3,2}', 'abcdeü']);
  });
});
