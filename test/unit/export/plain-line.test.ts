import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isPlainCanonical } from '../../../src/sdk/verify/canonical-scan.js';
import { isCanonical } from '../../../src/sdk/verify/export-lines.js';
import { PlainLine } from '../../../src/sdk/verify/plain-line.js';
import { canonicalJson } from '../../../src/audit/canonical-json.js';
import { craftLeaves } from '../../audit-tamper/crafted-log.js';
import { CompactRange } from '../../../src/tlog/compact-range.js';
import { leafHash } from '../../../src/tlog/hash.js';
import { subtreeHashes } from '../../../src/tlog/leaf-run.js';

fc.configureGlobal({ seed: 20_261_121, numRuns: 2_000 });

const scanned = (text: string): boolean => {
  const bytes = Buffer.from(`${text}\0`);
  return isPlainCanonical(bytes, 0, bytes.length - 1);
};
const lineOf = (leaf: Buffer, index = 7): string =>
  JSON.stringify({ index, leaf: leaf.toString(), leaf_hash: leafHash(leaf).toString('hex') });
const reads = (line: string | Buffer): boolean => {
  const bytes = Buffer.from(line);
  return new PlainLine().reads(bytes, 0, bytes.length);
};

describe('the scan for canonical JSON', () => {
  it.each([
    '{"b":1,"a":2}',
    '{"a":1,"a":1}',
    '{"a" :1}',
    '{"a":1,}',
    '{"a":1',
    '{"a":1}}',
    '{"a":01}',
    '{"a":-0}',
    '{"a":1.0}',
    '{"a":1e3}',
    '{"a":"\\/"}',
    '{"a":"\\u0041"}',
    '{"a":"\t"}',
    '{"ab":1,"a":1}',
    '[1 ,2]',
    '[,]',
    '[1,]',
    'tru',
    '"a',
    '',
    ' 1',
    '9007199254740993',
    `${'['.repeat(40)}${']'.repeat(40)}`,
  ])('does not take %s', (text) => expect(scanned(text)).toBe(false));

  it('takes nothing that is not canonical, whatever is changed', () => {
    const changed = fc
      .tuple(fc.jsonValue({ maxDepth: 3 }), fc.nat(), fc.string({ maxLength: 2, unit: 'binary' }), fc.nat(2))
      .map(([value, at, by, drop]) => {
        const text = canonicalJson(value);
        const place = at % (text.length + 1);
        return text.slice(0, place) + by + text.slice(place + drop);
      });
    fc.assert(
      fc.property(changed, (text) => {
        const whole = Buffer.from(text).toString();
        if (scanned(whole)) expect(isCanonical(whole)).toBe(true);
      }),
    );
  });

  it('takes what the broker writes', () => {
    expect(scanned(canonicalJson({ a: [1, -2, 0, true, null], b: { c: 'Zoë\n"\\', d: {} }, e: [] }))).toBe(
      true,
    );
  });
});

describe('a line that is read without parsing it', () => {
  const [leaf = Buffer.alloc(0)] = craftLeaves(1);

  it('is none after any change of a byte', () => {
    const line = Buffer.from(lineOf(leaf));
    expect(reads(line)).toBe(true);
    for (let at = 0; at < line.length; at += 1) {
      for (const change of [1, 2, 16, 128]) {
        const changed = Buffer.from(line);
        changed[at]! ^= change;
        // Another index is another line that is right in itself: its place in the file is looked at elsewhere.
        if (reads(changed)) expect(at).toBe('{"index":'.length);
      }
    }
  });

  it.each([
    ['a leaf that is not canonical', lineOf(Buffer.from('{"b":1,"a":1}'))],
    ['an index that is not a plain number', lineOf(leaf).replace('7', '07')],
    ['a longer index than can be exact', lineOf(leaf).replace('7', '9'.repeat(16))],
    ['a proof', lineOf(leaf).replace(/}$/, ',"proof":null}')],
    ['white space', lineOf(leaf).replace(',"leaf"', ', "leaf"')],
    ['another escape', lineOf(leaf).replace('lease', '\\u006cease')],
    ['a hash in capitals', lineOf(leaf).replace(/[0-9a-f]{64}/, (hash) => hash.toUpperCase())],
    ['a leaf that is longer than any', lineOf(Buffer.from(`"${'x'.repeat(70_000)}"`))],
    ['nothing', ''],
  ])('is none with %s', (_, line) => expect(reads(line)).toBe(false));

  it('is each that an export writes', () => {
    const line = new PlainLine();
    for (const [index, each] of craftLeaves(50).entries()) {
      const bytes = Buffer.from(lineOf(each, index));
      expect(line.reads(bytes, 0, bytes.length)).toBe(true);
      expect([line.index, line.hash]).toEqual([index, leafHash(each).toString('hex')]);
    }
  });
});

describe('the hashes over a run of leaves', () => {
  it('are those that stand for it in the tree, wherever it begins', () => {
    fc.assert(
      fc.property(fc.nat(600), fc.nat(600), (begin, count) => {
        const leaves = Array.from({ length: count }, (_, n) => leafHash(Buffer.from([begin + n, n])));
        const range = new CompactRange(begin);
        for (const hash of leaves) range.append(0, hash);
        expect(subtreeHashes(begin, Buffer.concat(leaves))).toEqual(range.hashes);
      }),
      { numRuns: 200 },
    );
  });
});
