import { describe, expect, it } from 'vitest';
import { CEL_BOUNDS, compileCel } from '../../../src/grant/cel.js';

const evaluate = (expression: string, claims: Record<string, unknown>): unknown =>
  compileCel(expression).evaluate(claims);
const matched = { matched: true };
const unmatched = { matched: false };

describe('expressions that do not compile', () => {
  it.each([
    ['', /empty/],
    ['  ', /empty/],
    ['claims.', /./],
    ['claims.ref', /not a boolean/],
    ['1 + 1', /not a boolean/],
    ['other == "x"', /Unknown variable/],
    ['claims.ref == "x" || nosuch(claims.ref)', /nosuch\(\) may not/],
    ['claims.ref.matches(claims.pattern)', /written out/],
    ['claims.ref.matches("a" + "b")', /written out/],
    ['claims.ref.matches("")', /1 to/],
    ['claims.ref.matches("(")', /matches\(\)/],
    ['claims.ref.matches("(a)\\\\1")', /matches\(\)/],
    ['claims.ref.matches("(?=a)")', /matches\(\)/],
    ['claims.ref.matches("(a{1000}){1000}")', /matches\(\)/],
    ['claims.a.exists(x, claims.b.exists(y, x == y))', /inside another loop/],
    ['claims.a.map(x, x + x).exists(y, y == "z")', /map\(\) may not/],
    ['cel.bind(x, claims.a, x == "y")', /bind\(\) may not/],
    ['claims.a.filter(x, x == "y").size() > 0', /filter\(\) may not/],
    ['timestamp("2020-01-01T00:00:00Z") == timestamp("2020-01-01T00:00:00Z")', /timestamp\(\) may not/],
    ['claims.a.matchesEntirely("x")', /may not/],
  ])('%s', (expression, message) => {
    expect(() => compileCel(expression)).toThrow(TypeError);
    expect(() => compileCel(expression)).toThrow(message);
  });

  it.each([
    ['long', `claims.a == "${'x'.repeat(CEL_BOUNDS.expressionCharacters)}"`, /longer/],
    ['big', Array.from({ length: 80 }, () => 'claims.a == 1').join(' || '), /maxAstNodes/],
    ['deep', `${'('.repeat(100)}claims.a == 1${')'.repeat(100)}`, /maxDepth/],
    ['of a long pattern', `claims.a.matches("${'a'.repeat(300)}")`, /1 to/],
  ])('one that is too %s', (_, expression, message) => {
    expect(() => compileCel(expression)).toThrow(message);
  });
});

describe('evaluations that fail are not a match', () => {
  it('says why', () => {
    expect(evaluate('claims.missing == "x"', {})).toEqual({ matched: false, error: 'No such key: missing' });
    expect(evaluate('claims.n.startsWith("x")', { n: 5 })).toMatchObject({ matched: false, error: /./ });
    expect(evaluate('!(claims.missing == "x")', {})).toMatchObject({ matched: false, error: /./ });
  });

  it('refuses tokens beyond the bounds, however deep', () => {
    const long = { matched: false, error: 'the token has longer lists or texts than are evaluated' };
    const members = Array.from({ length: CEL_BOUNDS.claimListMembers + 1 }, () => 'x');
    expect(evaluate('claims.l.exists(x, x == "x")', { l: members })).toEqual(long);
    expect(evaluate('claims.a == "x"', { a: 'x', o: { deep: ['x'.repeat(8_193)] } })).toEqual(long);
  });

  it('sees nothing that objects inherit', () => {
    for (const name of ['constructor', 'toString', '__proto__', 'hasOwnProperty'])
      expect(evaluate(`has(claims.${name})`, {})).toEqual(unmatched);
  });

  it('does not coerce', () => {
    expect(evaluate('claims.flag == "true"', { flag: true })).toEqual(unmatched);
    expect(evaluate('claims.flag == true', { flag: 'true' })).toEqual(unmatched);
    expect(evaluate('claims.n == "1"', { n: 1 })).toEqual(unmatched);
  });
});

describe('matches()', () => {
  it('matches the whole text, so that a|b cannot escape', () => {
    expect(evaluate('claims.ref.matches("a|b")', { ref: 'ab' })).toEqual(unmatched);
    expect(evaluate('claims.ref.matches("a|b")', { ref: 'xb' })).toEqual(unmatched);
    expect(evaluate('claims.ref.matches("main")', { ref: 'not-main' })).toEqual(unmatched);
    expect(evaluate('claims.ref.matches("main")', { ref: 'main\nx' })).toEqual(unmatched);
    expect(evaluate('claims.ref.matches("^main$")', { ref: 'main\n' })).toEqual(unmatched);
    expect(evaluate('claims.ref.matches("a|b")', { ref: 'b' })).toEqual(matched);
    expect(evaluate('claims.ref.matches("release/v[0-9]+")', { ref: 'release/v12' })).toEqual(matched);
  });

  it('works inside a loop and takes linear time', () => {
    expect(evaluate('claims.l.exists(x, x.matches("a+"))', { l: ['b', 'aa'] })).toEqual(matched);
    const startedMs = performance.now();
    expect(evaluate('claims.a.matches("(a+)+$")', { a: `${'a'.repeat(5_000)}!` })).toEqual(unmatched);
    expect(performance.now() - startedMs).toBeLessThan(5_000);
  });
});

describe('expressions that match', () => {
  const claims = Object.assign(Object.create(null) as Record<string, unknown>, {
    ref: 'refs/heads/main',
    groups: ['dev', 'ops'],
    n: 5,
    ok: true,
    nested: Object.assign(Object.create(null) as Record<string, unknown>, { name: 'x' }),
    'kubernetes.io': { namespace: 'prod' },
  });

  it.each([
    'claims.ref == "refs/heads/main"',
    'claims.ref.startsWith("refs/heads/") && !claims.ref.endsWith("dev")',
    'claims.ref in ["refs/heads/main", "refs/heads/release"]',
    'claims.groups.exists(g, g == "ops")',
    '"ops" in claims.groups',
    'claims.n == 5 && claims.n > 4',
    'claims.ok == true',
    'claims.nested.name == "x"',
    'claims["kubernetes.io"].namespace == "prod"',
    '!has(claims.absent) || claims.absent == "x"',
    'size(claims.groups) == 2',
  ])('%s', (expression) => {
    expect(evaluate(expression, claims)).toEqual(matched);
  });
});
