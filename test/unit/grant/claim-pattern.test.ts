import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compilePattern } from '../../../src/grant/claim-pattern.js';

fc.configureGlobal({ seed: 20_261_121, numRuns: 500 });

const matches = (pattern: string | number | boolean, value: unknown): boolean =>
  compilePattern(pattern).matches(value);

describe('a pattern that does not compile', () => {
  it.each([
    ['', /empty/],
    ['repo:acme/**', /within one segment/],
    [Number.NaN, /not a number/],
  ])('%s', (wanted, message) => {
    expect(() => compilePattern(wanted)).toThrow(message);
  });
});

describe('a pattern of any length', () => {
  it('has a bound', () => {
    expect(() => compilePattern('x'.repeat(1_025))).toThrow(/longer/);
  });
});

describe('what does not match', () => {
  it.each([
    ['repo:acme/*:ref:refs/heads/main', 'repo:acme/a/b:ref:refs/heads/main'],
    ['repo:acme/*:ref:refs/heads/main', 'repo:acme/a:ref:refs/heads/main2'],
    ['repo:acme/*:ref:refs/heads/main', 'repo:acme/a:ref:refs/heads/main:x'],
    ['repo:acme/*:ref:refs/heads/main', 'repo:acme-evil/a:ref:refs/heads/main'],
    ['repo:acme/*:ref:refs/heads/main', 'xrepo:acme/a:ref:refs/heads/main'],
    ['repo:acme/*', 'repo:acme/'],
    ['repo:acme/*', 'repo:acme:a'],
    ['*', ''],
    ['*', 'a/b'],
    ['deploy-*', 'deploy-'],
    ['a*b*c', 'abc'],
    ['a*b*b', 'axb'],
    ['main', 'Main'],
    ['main', 'main '],
    ['main', 'main\n'],
    ['a|b', 'a'],
    ['a|b', 'b'],
    ['.*', 'anything'],
    ['[ab]', 'a'],
    ['?', 'a'],
    ['true', true],
    ['1', 1],
    [1, '1'],
    [1, true],
    [true, 'true'],
    [false, 0],
    [false, null],
    ['*', undefined],
    ['*', null],
    ['*', 5],
    ['*', { a: 1 }],
    ['a', ['a']],
    ['caf\u00e9', 'cafe\u0301'],
  ])('%s and %o', (pattern, value) => {
    expect(matches(pattern, value)).toBe(false);
  });
});

describe('what matches', () => {
  it.each([
    ['repo:acme/*:ref:refs/heads/main', 'repo:acme/api:ref:refs/heads/main'],
    ['repo:acme/*:ref:refs/*/*', 'repo:acme/api:ref:refs/heads/main'],
    ['*', 'a'],
    ['a*c', 'abc'],
    ['a*b*c', 'axbyc'],
    ['a*a', 'aaa'],
    ['*-prod-*', 'x-prod-y'],
    ['/abs', '/abs'],
    [1, 1],
    [true, true],
    [false, false],
  ])('%s and %o', (pattern, value) => {
    expect(matches(pattern, value)).toBe(true);
  });
});

describe('properties of patterns', () => {
  const segment = fc.stringMatching(/^[a-z0-9.|()[\]?+^$-]{1,8}$/);
  const separator = fc.constantFrom('/', ':');
  const path = fc
    .tuple(segment, fc.array(fc.tuple(separator, segment), { maxLength: 5 }))
    .map(([first, rest]) => first + rest.map(([by, part]) => by + part).join(''));

  it('text without a star matches itself and nothing else', () => {
    fc.assert(
      fc.property(path, path, (pattern, value) => {
        expect(matches(pattern, pattern)).toBe(true);
        expect(matches(pattern, value)).toBe(pattern === value);
      }),
    );
  });

  it('alternation cannot escape: no half of a|b matches', () => {
    fc.assert(
      fc.property(segment, segment, fc.string(), (left, right, any) => {
        const pattern = `${left}|${right}`;
        expect(matches(pattern, any)).toBe(any === pattern);
        expect(matches(pattern, left)).toBe(false);
        expect(matches(pattern, right)).toBe(false);
      }),
    );
  });

  it('a star never crosses a segment', () => {
    fc.assert(
      fc.property(path, fc.string({ maxLength: 12 }), path, (before, middle, after) => {
        const value = `${before}/${middle}/${after}`;
        expect(matches(`${before}/*/${after}`, value)).toBe(middle !== '' && !/[/:]/.test(middle));
      }),
    );
  });

  it('a match has as many segments as its pattern, with the same separators', () => {
    const withStars = path.map((text) => text.replace(/[a-n]/g, '*').replace(/\*+/g, '*'));
    const separators = (text: string): string => text.replace(/[^/:]/g, '');
    fc.assert(
      fc.property(withStars, fc.stringMatching(/^[a-z*/:]{0,3}$/), (pattern, filling) => {
        const value = pattern.replaceAll('*', filling);
        const filled = filling !== '' && separators(filling) === '';
        expect(matches(pattern, value)).toBe(filled || !pattern.includes('*'));
        if (separators(value) !== separators(pattern)) expect(matches(pattern, value)).toBe(false);
      }),
    );
  });

  it('agrees with an anchored regular expression of the same meaning', () => {
    const letters = fc.stringMatching(/^[ab*/:]{1,8}$/).filter((text) => !text.includes('**'));
    fc.assert(
      fc.property(letters, fc.stringMatching(/^[ab/:]{0,8}$/), (pattern, value) => {
        const regex = new RegExp(`^(?:${pattern.replaceAll('*', '[^/:]+')})$`);
        expect(matches(pattern, value)).toBe(regex.test(value));
      }),
      { numRuns: 2_000 },
    );
  });

  it('takes linear time where a backtracking engine would not', () => {
    const pattern = compilePattern(`${'a*'.repeat(200)}b`);
    const startedMs = performance.now();
    expect(pattern.matches('a'.repeat(100_000))).toBe(false);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });
});

describe('how near a value came', () => {
  it('names the first part that differs', () => {
    expect(compilePattern('repo:acme/*:ref:main').distance('repo:acme/api:ref:dev')).toEqual({
      matched: false,
      agreeing: 8,
      differs: 'part 9: wanted "main", found "dev"',
    });
  });

  it('says what is missing and what is too much', () => {
    expect(compilePattern('a/b').distance('a').differs).toBe('part 2: wanted "/", found the end');
    expect(compilePattern('a').distance('a/b').differs).toBe('part 2: wanted the end, found "/"');
  });

  it('names types, not values, of what is no text', () => {
    expect(compilePattern('true').distance(true).differs).toBe('wanted text, found the boolean true');
    expect(compilePattern('a').distance({ password: 'x' }).differs).toBe('wanted text, found an object');
  });
});
