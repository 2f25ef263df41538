import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ENCODINGS, readings } from './encodings.js';
import { EVENTS_TYPE, JSON_TYPE, scrubbed, streamed, TEXT_TYPE } from './parts.js';

const SEED = 20_261_121;

/** Keys as providers make them, passwords with any character, and words of other languages. */
const secret = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9_-]{12,64}$/),
  fc.stringMatching(/^[A-Za-z0-9+/]{20,44}={0,2}$/),
  fc.stringMatching(/^[!-~]{12,40}$/),
  fc.stringMatching(/^[ -~]{12,40}$/).filter((text) => text.trim() === text),
  fc.string({ unit: fc.constantFrom(...'aéßž漢🔑Z9-'), minLength: 12, maxLength: 24 }),
  fc.stringMatching(/^[!-~]{10,20}\n[!-~]{10,20}$/),
);
const encoding = fc.constantFrom(...Object.keys(ENCODINGS));
const around = fc.stringMatching(/^[A-Za-z0-9 .:,=-]{0,40}$/);
const seed = fc.nat(2);
const cuts = fc.array(fc.nat(4_000), { maxLength: 12 });

function leaks(text: string, wanted: string): boolean {
  const latin1 = Buffer.from(wanted).toString('latin1');
  return readings(text).some((reading) => reading.includes(wanted) || reading.includes(latin1));
}

function chunksOf(body: string, at: readonly number[]): Buffer[] {
  const bytes = Buffer.from(body);
  const places = [0, ...at.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return places.slice(1).map((end, index) => bytes.subarray(places[index], end));
}

/** Text that is not escaped for JSON already goes through `JSON.stringify`. */
function jsonString(written: string, way: string): string {
  return way.startsWith('JSON') ? `"${written}"` : JSON.stringify(written);
}

describe('the injected secret', () => {
  it('does not come through in a text', () => {
    fc.assert(
      fc.property(secret, encoding, seed, around, around, (value, way, turn, before, after) => {
        const written = ENCODINGS[way]?.(value, turn) ?? '';
        const { text, findings } = scrubbed(`${before} ${written} ${after}`, TEXT_TYPE, { secrets: [value] });
        expect(leaks(text, value)).toBe(false);
        expect(findings.some(({ kind }) => kind === 'credential')).toBe(true);
      }),
      { seed: SEED, numRuns: 2_000 },
    );
  });

  it('does not come through in JSON, which stays JSON', () => {
    fc.assert(
      fc.property(secret, encoding, seed, around, (value, way, turn, before) => {
        const written = ENCODINGS[way]?.(value, turn) ?? '';
        const inner = `{"a":[1,${jsonString(`${before} `, '').slice(0, -1)}${jsonString(written, way).slice(1)}],"b":null}`;
        for (const body of [
          inner,
          JSON.stringify({ nested: inner }),
          JSON.stringify([JSON.stringify({ inner })]),
        ]) {
          const { text } = scrubbed(body, JSON_TYPE, { secrets: [value] });
          expect(leaks(text, value)).toBe(false);
          expect(leaks(JSON.stringify(JSON.parse(text)), value)).toBe(false);
        }
      }),
      { seed: SEED, numRuns: 1_000 },
    );
  });

  it('does not come through where one encoding is written in another', () => {
    fc.assert(
      fc.property(secret, encoding, encoding, seed, fc.boolean(), (value, inner, outer, turn, json) => {
        const written = ENCODINGS[outer]?.(ENCODINGS[inner]?.(value, turn) ?? '', turn) ?? '';
        const { text } = json
          ? scrubbed(JSON.stringify({ written }), JSON_TYPE, { secrets: [value] })
          : scrubbed(`so: ${written}.`, TEXT_TYPE, { secrets: [value] });
        const read = readings(text);
        expect([...read, ...read.flatMap(readings)].some((reading) => reading.includes(value))).toBe(false);
      }),
      { seed: SEED, numRuns: 2_000 },
    );
  });

  it('does not come through in a stream of text, wherever it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(secret, encoding, seed, around, cuts, async (value, way, turn, before, at) => {
        const written = ENCODINGS[way]?.(value, turn) ?? '';
        const body = `${before} ${written} and more\n`;
        const { text, findings } = await streamed(chunksOf(body, at), TEXT_TYPE, { secrets: [value] });
        expect(leaks(text, value)).toBe(false);
        expect(findings.some(({ kind }) => kind === 'credential')).toBe(true);
      }),
      { seed: SEED, numRuns: 1_000 },
    );
  });

  it('does not come through in a stream of JSON, which stays JSON', async () => {
    await fc.assert(
      fc.asyncProperty(secret, encoding, seed, around, cuts, async (value, way, turn, before, at) => {
        const written = jsonString(ENCODINGS[way]?.(value, turn) ?? '', way);
        const body = `[{"a":${JSON.stringify(before)},"b":${written},"c":4111111111111111}]`;
        const { text } = await streamed(chunksOf(body, at), JSON_TYPE, { secrets: [value] });
        expect(leaks(text, value)).toBe(false);
        expect((JSON.parse(text) as [{ c: unknown }])[0].c).toBe('[redacted:card]');
      }),
      { seed: SEED, numRuns: 500 },
    );
  });

  it('does not come through in events, wherever they are cut', async () => {
    await fc.assert(
      fc.asyncProperty(secret, encoding, seed, cuts, async (value, way, turn, at) => {
        const written = jsonString(ENCODINGS[way]?.(value, turn) ?? '', way);
        const body = `event: delta\ndata: {"text":${written},"n":1}\n\n: ping\n\ndata: [DONE]\n\n`;
        const { text } = await streamed(chunksOf(body, at), EVENTS_TYPE, { secrets: [value] });
        expect(leaks(text, value)).toBe(false);
        expect(text.endsWith('\n\n: ping\n\ndata: [DONE]\n\n')).toBe(true);
      }),
      { seed: SEED, numRuns: 500 },
    );
  });

  it('does not come through in bytes that mean nothing, and ends their stream', async () => {
    await fc.assert(
      fc.asyncProperty(secret, cuts, fc.uint8Array({ maxLength: 200 }), async (value, at, noise) => {
        const body = Buffer.concat([Buffer.from(noise), Buffer.from(value), Buffer.from(noise)]);
        const places = [0, ...at.map((cut) => cut % body.length).sort((a, b) => a - b), body.length];
        const chunks = places.slice(1).map((end, index) => body.subarray(places[index], end));
        await expect(
          streamed(chunks, 'application/octet-stream', { secrets: [value], spec: { unreadable: 'allow' } }),
        ).rejects.toMatchObject({ code: 'response_blocked' });
      }),
      { seed: SEED, numRuns: 200 },
    );
  });
});
