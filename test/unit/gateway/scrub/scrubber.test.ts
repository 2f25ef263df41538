import { describe, expect, it } from 'vitest';
import { Scrubber } from '../../../../src/gateway/scrub/scrubber.js';
import { Secret } from '../../../../src/kernel/secret.js';
import { EVENTS_TYPE, JSON_TYPE, plan, scrubbed, streamed, TEXT_TYPE } from './parts.js';

const SECRET = 'hunter2-hunter2-hunter2';
const OCTETS = 'application/octet-stream';

describe('what cannot be looked into', () => {
  it.each([
    [OCTETS, 'abc'],
    ['image/png', 'abc'],
    ['', 'abc'],
    ['application/json; charset=utf-16', '{}'],
    ['text/plain; charset=utf-7', 'abc'],
    [TEXT_TYPE, 'a\0b'],
  ])('is refused: %j', (contentType, body) => {
    expect(() => scrubbed(body, contentType)).toThrow(
      expect.objectContaining({ code: 'response_unreadable' }),
    );
  });

  it('is refused in a stream', async () => {
    await expect(streamed(['abc', 'd\0e'], TEXT_TYPE)).rejects.toMatchObject({ code: 'response_unreadable' });
    await expect(async () => streamed(['abc'], OCTETS)).rejects.toMatchObject({
      code: 'response_unreadable',
    });
  });

  it('is passed on where the tool allows it, but never with the credential', () => {
    const spec = { unreadable: 'allow' } as const;
    expect(scrubbed('\0ann@example.com', OCTETS, { spec })).toMatchObject({ findings: [], blocked: false });
    for (const written of [SECRET, Buffer.from(`::${SECRET}`).toString('base64')]) {
      expect(scrubbed(`\0${written}\0`, OCTETS, { spec, secrets: [SECRET] })).toMatchObject({
        text: '',
        findings: [{ kind: 'credential', count: 1 }],
        blocked: true,
      });
    }
  });

  it('is nothing where there is no body', () => {
    expect(scrubbed('', OCTETS)).toMatchObject({ findings: [], blocked: false });
  });
});

describe('patterns of a tool', () => {
  it.each(['(', '(?=a)', '\\1', 'a*', '^', '\\b', 'a|', '(?:)'])('are refused: %s', (pattern) => {
    expect(() => plan({ patterns: [{ name: 'bad', pattern }] })).toThrow(
      expect.objectContaining({ code: 'request_invalid', field: '/scrub/patterns/0/pattern' }),
    );
  });

  it('are refused with a name that is taken', () => {
    const pattern = { name: 'twice', pattern: 'a' };
    expect(() => plan({ patterns: [pattern, pattern] })).toThrow(
      expect.objectContaining({ field: '/scrub/patterns/1/name' }),
    );
  });

  it('are found wherever something is written, in any language', () => {
    const spec = { patterns: [{ name: 'patient', pattern: 'Größe-[0-9]{4}' }] };
    for (const value of ['Größe-1234', '<Größe-1234> für Ännchen 🔑']) {
      const nested = JSON.stringify({
        a: JSON.stringify({ value }),
        b: Buffer.from(`so: ${value}`).toString('base64'),
      });
      const { text, findings } = scrubbed(nested, JSON_TYPE, { spec });
      expect(findings).toEqual([{ kind: 'pattern/patient', count: 2 }]);
      expect(JSON.parse(text)).toMatchObject({
        a: expect.stringContaining('[redacted:pattern/patient]') as string,
      });
    }
  });
});

describe('modes', () => {
  it('block says why and passes nothing on', () => {
    expect(scrubbed('{"a":"ann@example.com"}', JSON_TYPE, { mode: 'block' })).toMatchObject({
      text: '',
      findings: [{ kind: 'email', count: 1 }],
      blocked: true,
    });
  });

  it('report changes nothing but for the credential', () => {
    const { text, findings, blocked } = scrubbed(`ann@example.com ${SECRET}`, TEXT_TYPE, {
      mode: 'report',
      secrets: [SECRET],
    });
    expect({ text, findings, blocked }).toEqual({
      text: 'ann@example.com [redacted:credential]',
      findings: [
        { kind: 'credential', count: 1 },
        { kind: 'email', count: 1 },
      ],
      blocked: false,
    });
  });

  it('where nothing is found the body is the very same', () => {
    const body = Buffer.from('{"a":1}');
    expect(new Scrubber().scrubBody(plan(), [Secret.of(SECRET)], body, JSON_TYPE, 'redact').body).toBe(body);
  });

  it.each([TEXT_TYPE, JSON_TYPE, EVENTS_TYPE])(
    'block ends a stream of %s, and what was found does not come through',
    async (contentType) => {
      const chunks = [
        'data: "fine"\n\n',
        `data: "${SECRET.slice(0, 9)}`,
        `${SECRET.slice(9)}"\n\n`,
        'data: "more"\n\n',
      ];
      await expect(streamed(chunks, contentType, { mode: 'block', secrets: [SECRET] })).rejects.toMatchObject(
        {
          code: 'response_blocked',
        },
      );
    },
  );
});

describe('a stream', () => {
  it('holds no more back than the word that may go on', async () => {
    const { pieces } = await streamed(['It is five ', "o'clock and", ' all is well.\n'], TEXT_TYPE);
    expect(pieces).toEqual(['It is five ', "o'clock ", 'and all is well.\n', '']);
  });

  it('lets each event out when it is whole', async () => {
    const { pieces } = await streamed(
      ['event: a\r\ndata: {"text":"ann@exam', 'ple.com "}\r\n', '\r\ndata: 1\n\nda', 'ta: 2\n\n'],
      EVENTS_TYPE,
    );
    expect(pieces).toEqual([
      '',
      '',
      'event: a\r\ndata: {"text":"[redacted:email] "}\r\n\r\ndata: 1\n\n',
      'data: 2\n\n',
      '',
    ]);
  });

  it('finds what goes over the lines of one event', async () => {
    const event = 'id: 7\ndata: {"card":\ndata: 4111111111111111}\n\n';
    const { text } = await streamed([event], EVENTS_TYPE);
    expect(text).toBe('id: 7\ndata: {"card":\ndata: "[redacted:card]"}\n\n');
  });

  it('of JSON keeps numbers apart from strings, wherever it is cut', async () => {
    const body = '[{"a":"x 4111 1111 1111 1111","b":4111111111111111,"c":"\\"4111111111111111"}]';
    for (let cut = 1; cut < body.length; cut += 1) {
      const { text } = await streamed([body.slice(0, cut), body.slice(cut)], JSON_TYPE);
      expect(JSON.parse(text)).toEqual([
        { a: 'x [redacted:card]', b: '[redacted:card]', c: '"[redacted:card]' },
      ]);
    }
  });

  it.each([
    'ann.lee@example.com',
    '4111 1111 1111 1111',
    'DE89 3704 0044 0532 0130 00',
    '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',
  ])('finds %s a byte at a time', async (value) => {
    const body = `{"text":"so: ${value}","next":true}`;
    const { text } = await streamed(body.split(''), JSON_TYPE);
    expect(JSON.parse(text)).toEqual({
      text: expect.stringMatching(/^so: \[redacted:[a-z/]+\]$/) as string,
      next: true,
    });
  });

  it('finds a private key that comes line by line', async () => {
    const lines = [
      '-----BEGIN PRIVATE KEY-----\n',
      'MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n',
      'BKcwggSjAgEAAoIBAQ==\n',
      '-----END PRIVATE KEY-----\n',
    ];
    expect((await streamed(['key:\n', ...lines, 'done\n'], TEXT_TYPE)).text).toBe(
      'key:\n[redacted:key/private-key]\ndone\n',
    );
  });

  it('has a bound for what it holds of a word without end', async () => {
    const chunk = 'a'.repeat(16_384);
    const { pieces, text } = await streamed(Array<string>(20).fill(chunk), TEXT_TYPE);
    expect(text.length).toBe(20 * chunk.length);
    for (const [index, piece] of pieces.slice(1, 20).entries())
      expect(piece.length, `piece ${index + 1}`).toBeGreaterThan(16_000);
  });
});
