import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Scrubber } from '../../../../src/gateway/scrub/scrubber.js';
import { negatives, positives } from './corpus/corpus.js';
import { EVENTS_TYPE, plan, scrubbed, streamed, TEXT_TYPE } from './parts.js';
import { cut, joined, payloads, SHAPES, spread, sse, type Shape } from './stream-shapes.js';

const SEED = 20_261_121;
const SECRET = 'hunter2-hunter2-hunter2';
const KEY = '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';

const value = fc.constantFrom(
  KEY,
  SECRET,
  Buffer.from(SECRET).toString('base64'),
  Buffer.from(`x${SECRET}`).toString('hex'),
  'ann.lee@example.com',
  '4111 1111 1111 1111',
  '4111111111111111',
  'DE89 3704 0044 0532 0130 00',
  '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQ==\n-----END PRIVATE KEY-----',
  '{"card":"4111111111111111","to":"ann@example.com"}',
  'hello',
  'Größe 🔑 漢字',
);
const between = fc.constantFrom(' ', '\n', ', ', ' "', '" ', ' and then it said: ', '. ');
const text = fc
  .array(fc.tuple(value, between), { minLength: 1, maxLength: 5 })
  .map((all) => all.flat().join(''));
const cuts = fc.array(fc.nat(4_000), { maxLength: 40 });

describe.each(Object.keys(SHAPES))('text as in %s', (name) => {
  const shape = SHAPES[name] as Shape;

  it('reads, however it is cut, as if it had been scrubbed as a whole', async () => {
    await fc.assert(
      fc.asyncProperty(text, cuts, async (whole, at) => {
        const options = { secrets: [SECRET] };
        expect(await spread(shape, cut(whole, at), options)).toBe(scrubbed(whole, TEXT_TYPE, options).text);
      }),
      { seed: SEED, numRuns: 150 },
    );
  });

  it('reads the same a character at a time, and each thing is counted once', async () => {
    const whole = `Write to ann.lee@example.com with ${KEY} or ${SECRET}, card 4111 1111 1111 1111. Bye.`;
    const events = [...whole].map((piece) => sse(shape.event(piece)));
    const { text: out, findings } = await streamed(events, EVENTS_TYPE, { secrets: [SECRET] });
    expect(joined(shape, out)).toBe(
      'Write to [redacted:email] with [redacted:key/github] or [redacted:credential], card [redacted:card]. Bye.',
    );
    expect(findings.map(({ kind, count }) => `${kind} ${count}`)).toEqual([
      'card 1',
      'credential 1',
      'email 1',
      'key/github 1',
    ]);
  });
});

describe('strings that are interleaved', () => {
  it('are told apart by their index, and each is joined by itself', async () => {
    const event = (index: number, content: string): string =>
      sse({ choices: [{ index, delta: { content } }] });
    const [a, b] = [KEY, 'ann@example.com '];
    const chunks = [...a].flatMap((piece, at) => [event(0, piece), event(1, b.charAt(at % b.length))]);
    const { text: out } = await streamed(chunks, EVENTS_TYPE);
    const texts = ['', ''];
    for (const { choices } of payloads(out) as { choices: [{ index: number; delta: { content: string } }] }[])
      texts[choices[0].index] += choices[0].delta.content;
    expect(texts[0]).toBe('[redacted:key/github]');
    expect(texts[1]).toMatch(/^(\[redacted:email\] )+/);
    expect(texts[1]).not.toContain('@example');
  });

  it('do not add up to something that none of them says', async () => {
    const chunks = ['4111', '1111', '1111', '1111'].map((content, index) =>
      sse({ choices: [{ index, delta: { content } }] }),
    );
    expect((await streamed(chunks, EVENTS_TYPE)).text).toBe(chunks.join(''));
  });
});

describe('what is not text of a model', () => {
  const ticks = ['4111', '1111', '1111', '1111'].map((id, at) =>
    sse({ id, symbol: 'ghp_', price: `${at}.5`, type: 'tick' }),
  );

  it('is not joined, and is not held', async () => {
    const { pieces, findings } = await streamed(ticks, EVENTS_TYPE);
    expect(pieces.slice(0, ticks.length)).toEqual(ticks);
    expect(findings).toEqual([]);
  });

  it('is joined from the moment on at which it reads like words', async () => {
    const chunks = ['It', ' is', ' ghp_zQWBuTSOoRi4A', '9spHcVY5ncnsDkxkJ0mLq17', '!'].map((t) => sse({ t }));
    const { text: out } = await streamed(chunks, EVENTS_TYPE);
    expect((payloads(out) as { t: string }[]).map(({ t }) => t).join('')).toBe(
      'It is [redacted:key/github]!',
    );
  });

  it('is kept clean of the credential all the same', async () => {
    const chunks = [SECRET.slice(0, 9), SECRET.slice(9, 14), SECRET.slice(14)].map((note) => sse({ note }));
    const { text: out, findings } = await streamed(chunks, EVENTS_TYPE, { secrets: [SECRET] });
    expect((payloads(out) as { note: string }[]).map(({ note }) => note)).toEqual([
      '[redacted:credential]',
      '',
      '',
    ]);
    expect(findings).toEqual([{ kind: 'credential', count: 1 }]);
  });
});

it('a credential that comes a character at a time, where nobody expects it, loses all but its first three', async () => {
  const chunks = [...`<${SECRET}>`].map((note) => sse({ note, id: 'h' }));
  const { text: out } = await streamed(chunks, EVENTS_TYPE, { secrets: [SECRET] });
  expect((payloads(out) as { note: string }[]).map(({ note }) => note).join('')).toBe(
    `<${SECRET.slice(0, 3)}[redacted:credential]>`,
  );
});

describe('events that are text', () => {
  const said = (text: string): string =>
    [...text.matchAll(/^data:(?: )?(.*)$/gm)].map(([, line]) => line).join('');

  it('are joined once they read like words, and are kept clean of the credential from the first on', async () => {
    const words = [
      SECRET.slice(0, 12),
      SECRET.slice(12),
      ' is',
      ' it: ',
      KEY.slice(0, 9),
      KEY.slice(9),
      '\\n.',
    ];
    const chunks = words.map((word) => `data: ${word}\n\n`);
    const { text: out } = await streamed([...chunks, 'data: [DONE]\n\n'], EVENTS_TYPE, { secrets: [SECRET] });
    expect(said(out)).toBe('[redacted:credential] is it: [redacted:key/github]\\n.[DONE]');
  });

  it('are not joined while they are lines', async () => {
    const chunks = ['user 4111', '1111', '1111', '1111'].map((line) => `data: ${line}\n\n`);
    const { pieces } = await streamed(chunks, EVENTS_TYPE, { secrets: [SECRET] });
    expect(pieces.slice(0, 4)).toEqual(chunks);
  });
});

describe('modes', () => {
  const chunks = ['Key: ', KEY.slice(0, 7), KEY.slice(7, 30), KEY.slice(30), ' ', 'done'].map((content) =>
    sse({ choices: [{ index: 0, delta: { content } }] }),
  );

  it('block ends the stream before any of it came', async () => {
    const stream = new Scrubber().scrubStream(plan(), [], EVENTS_TYPE, 'block');
    let out = '';
    stream.on('data', (chunk: Buffer) => (out += chunk.toString()));
    const ended = new Promise((_, reject) => stream.once('error', reject));
    for (const chunk of chunks) stream.write(chunk);
    await expect(ended).rejects.toMatchObject({ code: 'response_blocked' });
    expect(out).not.toContain('ghp');
  });

  it('report changes nothing, and says what was there', async () => {
    const { text: out, findings } = await streamed(chunks, EVENTS_TYPE, { mode: 'report' });
    expect(out).toBe(chunks.join(''));
    expect(findings).toEqual([{ kind: 'key/github', count: 1 }]);
  });

  it('a whole body of events is judged the same', () => {
    const body = chunks.join('');
    expect(scrubbed(body, EVENTS_TYPE).text).not.toContain('zQWB');
    expect(scrubbed(body, EVENTS_TYPE, { mode: 'block' })).toMatchObject({ text: '', blocked: true });
  });
});

describe('the bytes of an event', () => {
  it('are those that came where nothing was found, also in escapes that are cut in two', async () => {
    const chunks = [
      'id: 1\r\ndata: {"delta" : {"text":"\\ud83d"}, "n":1.0}\r\n\r\n',
      ': ping\n\n',
      'data: {"delta":{"text":"\\udd11 \\u0000 caf\\u00e9"}}\n\n',
      'data: {"delta":{"text":',
      'data: [DONE]\n\n',
    ];
    expect((await streamed(chunks, EVENTS_TYPE)).text).toBe(chunks.join(''));
  });

  it('keep what else is in them where something was', async () => {
    const chunks = ['ann@exa', 'mple.com, "hi"'].map(
      (t, at) => `event: delta\nid: ${at}\ndata: {"n": 1.0, "delta":{"text":${JSON.stringify(t)}} }\n\n`,
    );
    expect((await streamed(chunks, EVENTS_TYPE)).text).toBe(
      'event: delta\nid: 0\ndata: {"n": 1.0, "delta":{"text":"[redacted:email]"} }\n\n' +
        'event: delta\nid: 1\ndata: {"n": 1.0, "delta":{"text":", \\"hi\\""} }\n\n',
    );
  });
});

it('the corpus, values and look-alikes, reads in pieces as it does whole', async () => {
  const shape = SHAPES['Anthropic text'] as Shape;
  // Where even the marks of a private key are escapes, its end is taken out by itself.
  const samples = [...positives(), ...negatives()].filter(
    ({ body }, index) => index % 4 === 0 && !body.includes('\\u002d'),
  );
  expect(samples.length).toBeGreaterThan(700);
  for (const { body } of samples) {
    const pieces = body.match(/[^]{1,5}/gu) ?? [];
    expect(await spread(shape, pieces), body.slice(0, 200)).toBe(scrubbed(body, TEXT_TYPE).text);
  }
}, 240_000);
