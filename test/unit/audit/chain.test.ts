import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHAIN_START, chainHash, leafHash } from '../../../src/audit/chain.js';

function head(leaves: readonly Uint8Array[]): string {
  let chain = CHAIN_START;
  for (const leaf of leaves) chain = chainHash(chain, leafHash(leaf));
  return chain.toString('hex');
}

fc.configureGlobal({ seed: 20_261_103 });

describe('chain', () => {
  it('refuses what is no hash', () => {
    expect(() => chainHash(Buffer.alloc(31), leafHash(Buffer.of()))).toThrow(RangeError);
    expect(() => chainHash(CHAIN_START, Buffer.alloc(33))).toThrow(RangeError);
  });

  it('hashes leaves as RFC 6962 does', () => {
    expect(leafHash(Buffer.of()).toString('hex')).toBe(
      '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
    );
    expect(leafHash(Buffer.of(0)).toString('hex')).toBe(
      '96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7',
    );
  });

  it('ends elsewhere when any leaf is changed, left out or moved', () => {
    const leaves = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(leaves, fc.nat(), fc.nat(), fc.integer({ min: 0, max: 7 }), (log, at, byte, bit) => {
        const index = at % log.length;
        const leaf = log[index]!;
        const changed = Uint8Array.from(leaf);
        changed[byte % leaf.length]! ^= 1 << bit;
        expect(head(log.with(index, changed))).not.toBe(head(log));
        expect(head(log.toSpliced(index, 1))).not.toBe(head(log));
        expect(head(log.toSpliced(index, 0, leaf))).not.toBe(head(log));
        const other = (index + 1) % log.length;
        const swapped = log.with(index, log[other]!).with(other, leaf);
        if (!Buffer.from(leaf).equals(log[other]!)) expect(head(swapped)).not.toBe(head(log));
      }),
    );
  });
});
