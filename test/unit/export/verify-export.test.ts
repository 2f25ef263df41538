import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generateKeyPairSync, sign } from 'node:crypto';
import { verifyExport, type ExportProblem, type VerifyOptions } from '../../../src/sdk/verify-export.js';
import { checkpointText } from '../../../src/tlog/checkpoint.js';
import { EMPTY_ROOT, leafHash } from '../../../src/tlog/hash.js';
import { keyLine, noteKey, noteOf } from '../../../src/tlog/note.js';
import { exported, linesIn, logOf, ORIGIN, pieces, rangeOf, resealed, rootAt } from './sample-log.js';

fc.configureGlobal({ seed: 20_261_103 });

const events = Array.from({ length: 6 }, (_, n) => ({ v: 1, id: `e${n}`, kind: 'run.opened', data: { n } }));
const log = logOf(events);
const file = exported(log);
const lines = linesIn(file);

const verify = (text: string | Uint8Array, options?: VerifyOptions) => verifyExport(pieces(text), options);
const problemsOf = async (changed: readonly string[]): Promise<readonly ExportProblem[]> =>
  (await verify(resealed(changed))).problems;
const changedEntry = (at: number, change: Record<string, unknown>): string[] =>
  lines.with(at, JSON.stringify({ ...(JSON.parse(lines[at]!) as object), ...change }));

describe('verification of an export refuses', () => {
  it('an empty file', async () => {
    expect(await verify('')).toMatchObject({
      ok: false,
      problems: [{ line: 0, problem: 'the file is empty' }],
    });
  });

  it('something else', async () => {
    for (const other of [
      '{}\n',
      '[]\n',
      'hello\n',
      '\n',
      '\0',
      '{"leasegate_export":2}\n',
      'null\n',
      '"x"\n',
    ]) {
      expect((await verify(other)).ok).toBe(false);
    }
    expect((await verify(Buffer.of(0xff, 0xfe, 0x0a))).ok).toBe(false);
  });

  it('every change of a single bit, wherever it is', async () => {
    const bytes = Buffer.from(exported(log.slice(0, 3)));
    for (let at = 0; at < bytes.length; at += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        bytes[at]! ^= 1 << bit;
        const { ok } = await verify(bytes);
        bytes[at]! ^= 1 << bit;
        if (ok) expect.fail(`bit ${bit} of byte ${at} can be flipped`);
      }
    }
  }, 240_000);

  it('every cut', async () => {
    for (let end = 0; end < file.length; end += 1) {
      if ((await verify(file.slice(0, end))).ok) expect.fail(`the file can be cut at byte ${end}`);
    }
  });

  it('a cut at the end of a line, and says that it was cut', async () => {
    expect((await verify(`${lines.slice(0, 4).join('\n')}\n`)).problems).toEqual([
      { line: 0, problem: 'the last line is missing: the export was cut off' },
    ]);
  });

  it('a missing entry, by line and index, though the end was made to fit', async () => {
    expect(await problemsOf(lines.toSpliced(3, 1))).toContainEqual({
      line: 4,
      index: 3,
      problem: 'entry 2 is missing',
    });
    expect(await problemsOf(lines.toSpliced(3, 2))).toContainEqual({
      line: 4,
      index: 4,
      problem: 'entries 2 to 3 are missing',
    });
    expect(await problemsOf(lines.toSpliced(1, 1))).toContainEqual({
      line: 2,
      index: 1,
      problem: 'entry 0 is missing',
    });
    expect((await problemsOf(lines.toSpliced(6, 1))).map(({ problem }) => problem)).toContain(
      'the header promises 6 entries, and the export ends with 5',
    );
  });

  it('an entry that stands there twice', async () => {
    expect(await problemsOf(lines.toSpliced(3, 0, lines[3]!))).toContainEqual({
      line: 5,
      index: 2,
      problem: 'the entry stands here twice',
    });
  });

  it('swapped entries', async () => {
    const problems = await problemsOf(lines.with(2, lines[4]!).with(4, lines[2]!));
    expect(problems).toContainEqual({
      line: 5,
      index: 1,
      problem: 'the entry is out of order: 2 stands before it',
    });
  });

  it('an inserted entry, with its hash right and the others numbered on', async () => {
    const leaf = '{"forged":true}';
    const forged = {
      index: 2,
      leaf,
      leaf_hash: leafHash(Buffer.from(leaf)).toString('hex'),
    };
    const numbered = lines.map((line, at) => {
      const members = JSON.parse(line) as { index: number };
      return at >= 3 && at <= 6 ? JSON.stringify({ ...members, index: members.index + 1 }) : line;
    });
    const problems = await problemsOf(numbered.toSpliced(3, 0, JSON.stringify(forged)));
    expect(problems.map(({ problem }) => problem)).toContain(
      'the entries do not have the root that the export ends with: some of them are others',
    );
  });

  it('a changed leaf, once and where it is', async () => {
    expect(await problemsOf(changedEntry(3, { leaf: '{"id":"forged"}' }))).toEqual([
      { line: 4, index: 2, problem: 'the leaf was changed: its hash is another one' },
    ]);
  });

  it('a changed leaf with its hash made to fit', async () => {
    const leaf = '{"id":"forged"}';
    const changed = changedEntry(3, { leaf, leaf_hash: leafHash(Buffer.from(leaf)).toString('hex') });
    expect(await problemsOf(changed)).toEqual([
      {
        line: 8,
        problem: 'the entries do not have the root that the export ends with: some of them are others',
      },
    ]);
  });

  it('a changed leaf_hash', async () => {
    const problems = await problemsOf(changedEntry(3, { leaf_hash: 'f'.repeat(64) }));
    expect(problems).toContainEqual(expect.objectContaining({ line: 4, index: 2 }));
  });

  it.each(['{"b":1,"a":2}', '{"a": 1}', '{"a":1,"a":1}', '{"a":1.0}', '{"a":"\\u0041"}', 'text', '{"a":-0}'])(
    'a leaf that is not canonical, %s, even if everything fits',
    async (leaf) => {
      const hash = leafHash(Buffer.from(leaf));
      const [entry] = logOf([{}]);
      const one = exported([{ ...entry!, leaf: Buffer.from(leaf), leafHash: hash }]);
      expect((await verify(one)).problems).toContainEqual({
        line: 2,
        index: 0,
        problem: 'the leaf is not canonical JSON (RFC 8785)',
      });
    },
  );

  it.each([
    ['no JSON', '{"index":'],
    ['no object', '[1]'],
    ['another object', '{"index":2}'],
    ['empty', ''],
    ['of members in another order', '{"leaf":"{}","index":2}'],
    ['with a number that JSON cannot carry', '{"index":9007199254740993,"leaf":"","leaf_hash":""}'],
    ['longer than any can be', `{"index":2,"leaf":"${'x'.repeat(600_000)}"}`],
  ])('a line that is %s', async (_, line) => {
    const problems = await problemsOf(lines.with(3, line));
    expect(problems[0]?.line).toBe(4);
  });

  it('white space and a carriage return that change no value', async () => {
    for (const line of [`${lines[3]} `, `${lines[3]}\r`, ` ${lines[3]}`]) {
      expect(await problemsOf(lines.with(3, line))).not.toEqual([]);
    }
  });

  it('anything after the end', async () => {
    for (const more of ['\n', lines[3]!, lines.at(-1)!])
      expect((await verify(`${file}${more}\n`)).ok).toBe(false);
  });

  it('a header that begins the log elsewhere than at its start', async () => {
    const header = { ...(JSON.parse(lines[0]!) as object), left: ['a'.repeat(64)] };
    expect((await verify(resealed(lines.with(0, JSON.stringify(header))))).problems[0]).toMatchObject({
      line: 1,
    });
  });

  it('a head that was noted down and is not there', async () => {
    const good = { size: 4, rootHash: rootAt(log, 4), origin: ORIGIN };
    const ok = async (expectedHead: typeof good, text = file) => (await verify(text, { expectedHead })).ok;
    expect(await ok({ ...good, rootHash: rootAt(log, 3) })).toBe(false);
    expect(await ok({ ...good, origin: 'another' })).toBe(false);
    expect(await ok({ ...good, size: 7 })).toBe(false);
    expect(await ok(good, exported(log, { from: 5 }))).toBe(false);
    expect(await ok(good, exported(log, { keep: () => true }))).toBe(false);
    expect(await ok(good)).toBe(true);
    expect(await ok(good, exported(log, { from: 4 }))).toBe(true);
  });

  it('a log rewritten from the start, when its head was noted down before, and not otherwise', async () => {
    const rewritten = exported(
      logOf(events.with(2, { v: 1, id: 'forged', kind: 'run.opened', data: { n: 2 } })),
    );
    const noted = { size: 6, rootHash: rootAt(log, 6) };
    expect((await verify(rewritten, { expectedHead: noted })).ok).toBe(false);
    const believed = await verify(rewritten);
    expect(believed.ok).toBe(true);
    expect(believed.limits.join(' ')).toContain('No signature');
  });

  it('names no more problems than asked for, and counts them all', async () => {
    const broken = lines.map((line, at) => (at >= 1 && at <= 6 ? 'x' : line));
    const { problems, problemCount } = await verify(resealed(broken), { maxProblems: 2 });
    expect(problems).toHaveLength(2);
    expect(problemCount).toBeGreaterThanOrEqual(6);
  });
});

const pair = generateKeyPairSync('ed25519');
const key = noteKey(ORIGIN, pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(12));

/** The checkpoint of the log at a size, signed by the key of these tests. */
function signed(size: number, of = log): { note: string; size: number } {
  const text = checkpointText({ origin: ORIGIN, size, root: rangeOf(of, 0, size).root(), extensions: [] });
  const signature = sign(null, Buffer.from(text), pair.privateKey);
  return { note: noteOf(text, [{ name: key.name, id: key.id, signature }]), size };
}

describe('verification with the key of the log', () => {
  const keys = [keyLine(key)];

  it.each([
    ['ends with the export', { checkpoint: signed(6) }],
    ['covers less than the export', { checkpoint: signed(4) }],
    ['covers more than the export', { to: 3, checkpoint: signed(6) }],
    ['covers more than a range', { from: 1, to: 3, checkpoint: signed(5) }],
  ])('accepts a checkpoint that %s', async (_, range) => {
    const result = await verify(exported(log, range), { keys });
    expect(result).toMatchObject({ ok: true, problems: [], checkpointSize: range.checkpoint.size });
    expect(result.limits.join(' ')).not.toContain('No signature');
  });

  it.each([
    ['no checkpoint', {}, 'there is no signed checkpoint to verify'],
    [
      'that of another log',
      { checkpoint: signed(6, logOf(events.map((_, n) => ({ n })))) },
      'are not those of',
    ],
    ['one that a range begins behind', { from: 5, checkpoint: signed(3) }, 'covers nothing'],
  ])('refuses %s', async (_, range, problem) => {
    const result = await verify(exported(log, range), { keys });
    expect(result.ok).toBe(false);
    expect(result.problems.map((found) => found.problem).join()).toContain(problem);
  });

  it('refuses a checkpoint of another key, one that was changed, and a rewritten log', async () => {
    const other = generateKeyPairSync('ed25519').publicKey.export({ format: 'der', type: 'spki' });
    const stranger = [keyLine(noteKey(ORIGIN, other.subarray(12)))];
    expect((await verify(exported(log, { checkpoint: signed(6) }), { keys: stranger })).ok).toBe(false);
    const { note } = signed(6);
    const bent = { note: note.replace('\n6\n', '\n5\n'), size: 5 };
    expect((await verify(exported(log, { checkpoint: bent }), { keys })).ok).toBe(false);
    const rewritten = logOf(events.map((event, n) => (n === 2 ? { forged: true } : event)));
    expect((await verify(exported(rewritten, { checkpoint: signed(6) }), { keys })).ok).toBe(false);
    expect((await verify(exported(rewritten, { checkpoint: signed(6) }))).ok).toBe(false);
  });
});

describe('verification of an export accepts', () => {
  it('a whole one, and says where it ends', async () => {
    expect(await verify(file)).toMatchObject({
      ok: true,
      count: 6,
      firstIndex: 0,
      lastIndex: 5,
      rootHash: rootAt(log, 6),
      origin: ORIGIN,
      filtered: false,
      problems: [],
    });
  });

  it('a range, saying that it proves nothing of what was before', async () => {
    const range = await verify(exported(log, { from: 2, to: 5 }));
    expect(range).toMatchObject({
      ok: true,
      count: 3,
      firstIndex: 2,
      lastIndex: 4,
      rootHash: rootAt(log, 5),
    });
    expect(range.limits.join(' ')).toContain('middle of the log');
  });

  it('an empty log', async () => {
    expect(await verify(exported([]))).toMatchObject({
      ok: true,
      count: 0,
      firstIndex: null,
      rootHash: EMPTY_ROOT.toString('hex'),
    });
  });

  it('a filtered one, saying that it proves no completeness', async () => {
    const filtered = await verify(exported(log, { keep: (index) => index % 2 === 1 }));
    expect(filtered).toMatchObject({ ok: true, count: 3, filtered: true, rootHash: null });
    expect(filtered.limits.join(' ')).toContain('proves no completeness');
  });

  it('any log that is written, in pieces of any size', async () => {
    const anyLog = fc.array(
      fc.dictionary(fc.string({ unit: 'binary', maxLength: 8 }), fc.jsonValue(), { maxKeys: 4 }),
      {
        maxLength: 8,
      },
    );
    await fc.assert(
      fc.asyncProperty(anyLog, fc.integer({ min: 1, max: 200 }), async (values, size) => {
        const entries = logOf(values);
        const { problems, count } = await verifyExport(pieces(exported(entries), size));
        expect(problems).toEqual([]);
        expect(count).toBe(values.length);
      }),
    );
  });

  it('no log of which a line was removed, doubled, swapped or replaced by one of another log', async () => {
    const other = linesIn(exported(logOf(events.map((event) => ({ ...event, v: 2 })))));
    const entry = fc.integer({ min: 1, max: 6 });
    const change = fc.oneof(
      entry.map((at) => lines.toSpliced(at, 1)),
      entry.map((at) => lines.toSpliced(at, 0, lines[at]!)),
      fc
        .tuple(entry, entry)
        .filter(([a, b]) => a !== b)
        .map(([a, b]) => lines.with(a, lines[b]!).with(b, lines[a]!)),
      entry.map((at) => lines.with(at, other[at]!)),
    );
    await fc.assert(
      fc.asyncProperty(change, async (changed) => {
        const found = await problemsOf(changed);
        expect(found.length).toBeGreaterThan(0);
      }),
      { numRuns: 200 },
    );
  });
});
