import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CompactRange } from '../../../src/tlog/compact-range.js';
import { TreeEdge } from '../../../src/tlog/edge.js';
import { EMPTY_ROOT, leafHash, nodeHash } from '../../../src/tlog/hash.js';
import {
  consistencySpans,
  inclusionSpans,
  provesConsistency,
  provesInclusion,
  type Span,
} from '../../../src/tlog/proof.js';

fc.configureGlobal({ seed: 20_261_121 });

const leaves = Array.from({ length: 600 }, (_, n) => leafHash(Buffer.from(`leaf ${n}`)));

/** The definition, word by word (RFC 6962 §2.1). */
function rootOf(hashes: readonly Buffer[]): Buffer {
  const [first] = hashes;
  if (first === undefined) return EMPTY_ROOT;
  if (hashes.length === 1) return first;
  let split = 1;
  while (split * 2 < hashes.length) split *= 2;
  return nodeHash(rootOf(hashes.slice(0, split)), rootOf(hashes.slice(split)));
}

const rangeOf = (begin: number, end: number): CompactRange => {
  const range = new CompactRange(begin);
  for (const leaf of leaves.slice(begin, end)) range.append(0, leaf);
  return range;
};
const rootsOf = (spans: readonly Span[]): Buffer[] =>
  spans.map(({ begin, end }) => rangeOf(begin, end).root());

const size = fc.integer({ min: 1, max: leaves.length });
const pair = fc.tuple(size, size).map(([a, b]) => ({ less: Math.min(a, b), more: Math.max(a, b) }));

describe('the tree', () => {
  it('has the roots that RFC 6962 gives for its first leaves', () => {
    expect(EMPTY_ROOT.toString('hex')).toBe(
      'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
    );
    expect(leafHash(Buffer.alloc(0)).toString('hex')).toBe(
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    );
  });

  it.each([0, 1, 2, 3, 255, 256, 257, 511, 512, 513, 600])(
    'has the root of the definition at size %d',
    (n) => {
      const edge = new TreeEdge();
      for (const leaf of leaves.slice(0, n)) edge.append(leaf);
      expect(edge.root()).toEqual(rootOf(leaves.slice(0, n)));
      expect(rangeOf(0, n).root()).toEqual(rootOf(leaves.slice(0, n)));
    },
  );

  it('is put together from any parts that touch', () => {
    fc.assert(
      fc.property(pair, ({ less, more }) => {
        const whole = rangeOf(0, less);
        const part = rangeOf(less, more);
        whole.join(CompactRange.of(less, more, part.hashes));
        expect(whole.root()).toEqual(rootOf(leaves.slice(0, more)));
      }),
    );
  });
});

describe('a proof of inclusion', () => {
  it('holds for its leaf, place and tree, and for no other', () => {
    fc.assert(
      fc.property(pair, fc.nat(), ({ less, more }, other) => {
        const index = less - 1;
        const proof = rootsOf(inclusionSpans(index, more));
        const root = rootOf(leaves.slice(0, more));
        expect(provesInclusion(leaves[index]!, index, more, proof, root)).toBe(true);
        const wrong = other % more;
        if (wrong !== index) {
          expect(provesInclusion(leaves[wrong]!, index, more, proof, root)).toBe(false);
          expect(provesInclusion(leaves[index]!, wrong, more, proof, root)).toBe(false);
        }
        expect(provesInclusion(leaves[index]!, index, more, [...proof, root], root)).toBe(false);
        expect(provesInclusion(leaves[index]!, more, more, proof, root)).toBe(false);
        if (proof.length > 0)
          expect(provesInclusion(leaves[index]!, index, more, proof.slice(1), root)).toBe(false);
      }),
    );
  });
});

describe('a proof of consistency', () => {
  it('holds for two trees of which one begins the other, and for no others', () => {
    fc.assert(
      fc.property(pair, fc.nat(), ({ less, more }, at) => {
        const proof = rootsOf(consistencySpans(less, more));
        const first = { size: less, root: rootOf(leaves.slice(0, less)) };
        const second = { size: more, root: rootOf(leaves.slice(0, more)) };
        expect(provesConsistency(first, second, proof)).toBe(true);
        const forked = leaves.slice(0, less).with(at % less, EMPTY_ROOT);
        expect(provesConsistency({ size: less, root: rootOf(forked) }, second, proof)).toBe(false);
        expect(provesConsistency(first, { size: more, root: EMPTY_ROOT }, proof)).toBe(false);
        expect(provesConsistency(first, second, [...proof, EMPTY_ROOT])).toBe(false);
      }),
    );
  });
});
