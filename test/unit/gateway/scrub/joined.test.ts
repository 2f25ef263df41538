import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Scrubber } from '../../../../src/gateway/scrub/scrubber.js';
import { isOfOneWord } from '../../../../src/gateway/scrub/stream/hold-back.js';
import { Secret } from '../../../../src/kernel/secret.js';
import { negatives, positives } from './corpus/corpus.js';
import { EVENTS_TYPE, plan, scrubbed, streamed, TEXT_TYPE, type ScrubOptions } from './parts.js';

const SEED = 20_261_121;
const SECRET = 'hunter2-hunter2-hunter2';
const KEY = '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';

/** How a provider sends a piece of a text, and where it is to be found again. */
interface Shape {
  readonly event: (piece: string) => unknown;
  readonly read: (event: never) => string;
}

const SHAPES: Readonly<Record<string, Shape>> = {
  'OpenAI chat': {
    event: (content) => ({
      id: 'chatcmpl-1',
      object: 'chat.completion.chunk',
      model: 'm-4.1',
      choices: [{ index: 0, delta: { content }, finish_reason: null }],
    }),
    read: ({ choices }: { choices: [{ delta: { content: string } }] }) => choices[0].delta.content,
  },
  'OpenAI tool call': {
    event: (piece) => ({
      choices: [{ index: 0, delta: { tool_calls: [{ index: 1, function: { arguments: piece } }] } }],
    }),
    read: ({ choices }: { choices: [{ delta: { tool_calls: [{ function: { arguments: string } }] } }] }) =>
      choices[0].delta.tool_calls[0].function.arguments,
  },
  'OpenAI responses': {
    event: (delta) => ({ type: 'response.output_text.delta', item_id: 'msg_1', output_index: 0, delta }),
    read: ({ delta }: { delta: string }) => delta,
  },
  'Anthropic text': {
    event: (text) => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }),
    read: ({ delta }: { delta: { text: string } }) => delta.text,
  },
  'Anthropic tool use': {
    event: (piece) => ({
      type: 'content_block_delta',
      index: 1,
      delta: { type: 'input_json_delta', partial_json: piece },
    }),
    read: ({ delta }: { delta: { partial_json: string } }) => delta.partial_json,
  },
  Gemini: {
    event: (text) => ({ candidates: [{ content: { parts: [{ text }], role: 'model' } }] }),
    read: ({ candidates }: { candidates: [{ content: { parts: [{ text: string }] } }] }) =>
      candidates[0].content.parts[0].text,
  },
  'a bare string': { event: (piece) => piece, read: (piece: string) => piece },
};

const sse = (payload: unknown): string => `data: ${JSON.stringify(payload)}\n\n`;

function payloads(text: string): unknown[] {
  return [...text.matchAll(/^data: (.*)$/gm)].map(([, json]) => JSON.parse(json ?? '') as unknown);
}

function joined({ read }: Shape, text: string): string {
  return payloads(text)
    .map((event) => read(event as never))
    .join('');
}

/** The pieces of a text that is cut at these characters. */
function cut(text: string, at: readonly number[]): string[] {
  const characters = [...text];
  const places = [
    0,
    ...at.map((place) => place % (characters.length + 1)).sort((a, b) => a - b),
    characters.length,
  ];
  return places.slice(1).map((end, index) => characters.slice(places[index], end).join(''));
}

async function spread(shape: Shape, pieces: readonly string[], options?: ScrubOptions): Promise<string> {
  const { text } = await streamed(
    pieces.map((piece) => sse(shape.event(piece))),
    EVENTS_TYPE,
    options,
  );
  expect(payloads(text)).toHaveLength(pieces.length);
  return joined(shape, text);
}

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

describe('how long something is held', () => {
  const event = (content: string): string => sse({ choices: [{ index: 0, delta: { content } }] });

  it('words leave with the next one', async () => {
    const chunks = ['It', ' is', ' five', " o'clock", '.'].map(event);
    const { pieces } = await streamed(chunks, EVENTS_TYPE);
    expect(pieces).toEqual(['', chunks[0], chunks[1], chunks[2], '', `${chunks[3]}${chunks[4]}`]);
  });

  it('code that only names a private key is not waited with, and a certificate neither', async () => {
    for (const label of ['"-----BEGIN PRIVATE KEY-----"', '-----BEGIN CERTIFICATE-----']) {
      const chunks = [`if (key.startsWith(${label}`, ')) return', ' 1'].map(event);
      const { pieces } = await streamed(chunks, EVENTS_TYPE);
      expect(pieces.slice(0, 3).join('')).toBe(`${chunks[0]}${chunks[1]}`);
    }
  });

  it('a block that ends lets its last word go', async () => {
    const block = (type: string, more = {}): string => sse({ type, index: 0, ...more });
    const chunks = [block('content_block_delta', { delta: { text: 'Hello' } }), block('content_block_stop')];
    const { pieces } = await streamed(chunks, EVENTS_TYPE);
    expect(pieces).toEqual(['', chunks.join(''), '']);
  });

  it('a string that does not go on does not hold up others', async () => {
    const chunks = [event('Hello'), ...Array<string>(17).fill(': ping\n\n')];
    const { pieces } = await streamed(chunks, EVENTS_TYPE);
    expect(pieces.slice(0, -1).join('')).toBe(chunks.join(''));
    expect(pieces.slice(0, 17).join('')).toBe('');
  });

  it('no more than so many events, and no more than so many bytes', async () => {
    const many = await streamed(Array<string>(2_500).fill(event('a')), EVENTS_TYPE);
    let held = 0;
    for (const piece of many.pieces.slice(0, 2_500)) {
      held = piece === '' ? held + 1 : 0;
      expect(held).toBeLessThanOrEqual(1_024);
    }
    const large = `data: {"pad":"${'- '.repeat(50_000)}","delta":"a"}\n\n`;
    const few = await streamed(Array<string>(12).fill(large), EVENTS_TYPE);
    expect(few.pieces.slice(0, 12).join('').length).toBeGreaterThanOrEqual(large.length * 6);
  });

  it('what left too early is remembered: the rest of it is taken out', async () => {
    // A thousand events of one letter each, then a key in the same word: its beginning has to leave.
    const address = `${'a'.repeat(1_100)}.lee@example.com`;
    const out = await spread(SHAPES['a bare string'] as Shape, [...address, ' ok']);
    expect(out).not.toContain('@example.com');
  });

  describe('while nothing comes', () => {
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    function open(): { write: (chunk: string) => void; out: () => string; end: () => void } {
      const stream = new Scrubber().scrubStream(plan(), [Secret.of(SECRET)], EVENTS_TYPE, 'redact');
      let out = '';
      stream.on('data', (chunk: Buffer) => (out += chunk.toString()));
      return { write: (chunk) => stream.write(chunk), out: () => out, end: () => stream.destroy() };
    }
    const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

    it('a word leaves within a second, and no timer stays', async () => {
      const stream = open();
      stream.write(event('Hello'));
      await soon();
      vi.advanceTimersByTime(499);
      await soon();
      expect(stream.out()).toBe('');
      vi.advanceTimersByTime(501);
      await soon();
      expect(stream.out()).toBe(event('Hello'));
      expect(vi.getTimerCount()).toBe(0);
      stream.write(event('x'));
      await soon();
      expect(vi.getTimerCount()).toBe(1);
      stream.end();
      await soon();
      expect(vi.getTimerCount()).toBe(0);
    });

    it('what has begun as the credential or a private key is waited for half a minute', async () => {
      for (const [begun, rest] of [
        [SECRET.slice(0, 10), SECRET.slice(10)],
        ['-----BEGIN PRIVATE KEY-----\nMIIE', 'vQIBADANBgkq\n-----END PRIVATE KEY-----'],
      ] as const) {
        const stream = open();
        stream.write(event(begun));
        await soon();
        vi.advanceTimersByTime(20_000);
        await soon();
        expect(stream.out()).toBe('');
        stream.write(event(rest));
        stream.write(event(' ok'));
        await soon();
        expect(stream.out()).toMatch(/redacted:(credential|key\/private-key)/);
        stream.end();

        const given = open();
        given.write(event(begun));
        await soon();
        vi.advanceTimersByTime(31_000);
        await soon();
        expect(given.out()).toBe(event(begun));
        given.end();
      }
    });
  });
});

describe('hostile streams', () => {
  const make: Readonly<Record<string, (events: number) => string[]>> = {
    'a word without end': (events) => Array<string>(events).fill(sse('a')),
    'a private key without end': (events) => [
      sse('-----BEGIN PRIVATE KEY-----\n'),
      ...Array<string>(events).fill(sse('MIIE')),
    ],
    'a new string in each event': (events) =>
      Array.from({ length: events }, (_, index) => sse({ index, delta: 'ghp_' })),
    'a hundred strings by turns': (events) =>
      Array.from({ length: events }, (_, index) => sse({ index: index % 100, delta: 'ghp_' })),
    'empty pieces': (events) => [sse('ghp_'), ...Array<string>(events).fill(sse(''))],
    'digits without end': (events) => Array<string>(events).fill(sse('4111 1')),
    'escapes without end': (events) => Array<string>(events).fill(sse('\\u0041%41&amp;')),
  };

  it.each(Object.keys(make))('take linear time and bounded memory: %s', (name) => {
    const events = make[name] as (count: number) => string[];
    const spentMs = (count: number): number => {
      const chunks = events(count).map((chunk) => Buffer.from(chunk));
      const begin = process.cpuUsage();
      const stream = new Scrubber().scrubStream(plan(), [Secret.of(SECRET)], EVENTS_TYPE, 'redact');
      stream.resume();
      for (const chunk of chunks) stream.write(chunk);
      stream.destroy();
      const { user, system } = process.cpuUsage(begin);
      return (user + system) / 1e3;
    };
    let best = Infinity;
    for (let attempt = 0; attempt < 6 && best > 3.2; attempt += 1) {
      const once = spentMs(3_000);
      best = Math.min(best, spentMs(6_000) / Math.max(once, 4));
    }
    expect(best).toBeLessThanOrEqual(3.2);
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
}, 60_000);

describe('a pattern of one word', () => {
  it.each([
    ['\\bKD-[0-9]{8}\\b', true],
    ['KD\\.[A-Z]+', true],
    ['(?i)cust-\\d+', true],
    ['a b', false],
    ['a.b', false],
    ['[^x]+', false],
    ['a\\s', false],
    ['\\W', false],
    ['[[:^alpha:]]', false],
    ['a\\x20b', false],
    ['\\pZ', false],
    ['\\QA B\\E', false],
  ])('%s: %s', (expression, expected) => {
    expect(isOfOneWord(expression)).toBe(expected);
  });
});
