import { generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkpointOf, checkpointText } from '../../../src/tlog/checkpoint.js';
import { EMPTY_ROOT } from '../../../src/tlog/hash.js';
import { keyLine, keyOfLine, noteKey, noteOf, parseNote, signersOf } from '../../../src/tlog/note.js';
import { bundleOf, leavesOf, tileOf, tilePath, widthAt } from '../../../src/tlog/tile.js';

describe('the path of a tile', () => {
  it.each([
    ['tile/0/000', { level: 0, n: 0, width: 256 }],
    ['tile/3/x001/x234/067', { level: 3, n: 1_234_067, width: 256 }],
    ['tile/entries/x001/000.p/8', { level: 'entries', n: 1_000, width: 8 }],
  ] as const)('%s', (path, name) => {
    expect(tilePath(name)).toBe(path);
    expect(tileOf(path)).toEqual(name);
  });

  it.each([
    'tile/0/0',
    'tile/00/000',
    'tile/0/x000/001',
    'tile/0/001.p/256',
    'tile/0/001.p/0',
    'tile/0/001.p/08',
    'tile/0/../000',
    'tile/x/000',
    '/tile/0/000',
    'tile/entries/000/',
  ])('is not %s', (path) => {
    expect(tileOf(path)).toBeUndefined();
  });

  it('knows how much of it there is at a size', () => {
    expect([
      widthAt(0, 0, 70_000),
      widthAt(0, 273, 70_000),
      widthAt(1, 1, 70_000),
      widthAt(2, 0, 70_000),
    ]).toEqual([256, 112, 17, 1]);
    expect(widthAt(0, 274, 70_000)).toBe(0);
  });
});

describe('a bundle of entries', () => {
  it('gives back what was put in, and refuses a cut one', () => {
    const leaves = [Buffer.from('{}'), Buffer.alloc(65_535, 0x61), Buffer.from('"x"')];
    expect(leavesOf(bundleOf(leaves))).toEqual(leaves);
    expect(() => leavesOf(bundleOf(leaves).subarray(0, -1))).toThrow('middle');
  });
});

describe('a signed note', () => {
  const keys = generateKeyPairSync('ed25519');
  const key = noteKey('log.example/1', keys.publicKey.export({ format: 'der', type: 'spki' }).subarray(12));
  const text = checkpointText({ origin: 'log.example/1', size: 3, root: EMPTY_ROOT, extensions: ['more'] });
  const note = noteOf(text, [
    { name: key.name, id: key.id, signature: sign(null, Buffer.from(text), keys.privateKey) },
  ]);

  it('is read back and verified; its key travels as a line', () => {
    const parsed = parseNote(note)!;
    expect(parsed.text).toBe(text);
    expect(checkpointOf(parsed.text)).toMatchObject({
      origin: 'log.example/1',
      size: 3,
      extensions: ['more'],
    });
    expect(signersOf(parsed, [keyOfLine(keyLine(key))!])).toEqual([key]);
  });

  it('is signed by nobody when a bit of it changed', () => {
    const bytes = Buffer.from(note);
    fc.assert(
      fc.property(fc.nat({ max: bytes.length * 8 - 1 }), (bit) => {
        const changed = Buffer.from(bytes);
        changed[bit >> 3]! ^= 1 << (bit & 7);
        const parsed = parseNote(changed.toString('utf8'));
        return parsed === undefined || signersOf(parsed, [key]).length === 0;
      }),
      { numRuns: 300, seed: 7 },
    );
  });

  it('has keys that are refused when their id is another', () => {
    expect(keyOfLine(keyLine(key).replace(key.id, '00000000'))).toBeUndefined();
    expect(() => noteKey('a b', key.publicKey)).toThrow();
  });
});
