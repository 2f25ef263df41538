import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chatCase } from './chat-cases.js';
import { CHAT, compiledTool, ORDERS, refusal } from './tools.js';

const orders = compiledTool(ORDERS);
const chat = compiledTool(CHAT);
const path = { user_id: 'ada' };

/** Spellings of other paths, of ends of lines and of nothing. */
const CONFUSING: readonly string[] = [
  '',
  '.',
  '..',
  '../admin',
  'a/b',
  'a\\b',
  '/',
  '%2e',
  '%2e%2e',
  '%2E%2e',
  '.%2e',
  '%2f',
  '%2F..',
  '%5c',
  '%252e%252e',
  '%25252f',
  '%00',
  '%0d%0a',
  '..;',
  '..;x=1',
  '.;',
  ';x=1',
  '..;/..',
  'a\r\nHost: b',
  'a\nb',
  'a\rb',
  'a\0b',
  'a\tb',
  'a\u0085b',
  'a\u2028b',
  '\uff0e\uff0e',
  '\u2025',
  '\uff0f',
  '\uff3c',
  'a\uff0fb',
  '\uff0e\uff0e\uff1bx',
  '\uff052e',
  '\ud800',
  'a\udc00b',
  'a'.repeat(1_025),
];

describe('path parameters that are refused', () => {
  it.each(CONFUSING.map((value) => [JSON.stringify(value).slice(0, 40), value]))('%s', (_name, user_id) => {
    expect(refusal(() => orders.check({ path: { user_id } }))).toEqual({
      code: 'parameter_refused',
      field: '/path/user_id',
    });
  });

  it('parts of a segment that together mean another one', () => {
    const parts = compiledTool({
      name: 'parts',
      method: 'GET',
      url: 'https://a.example/x/{a}.{b}/y',
      parameters: { path: { a: { schema: {} }, b: { schema: {} } } },
    });
    expect(parts.check({ path: { a: 'report', b: 'csv' } }).url.pathname).toBe('/x/report.csv/y');
    for (const [a, b] of [
      ['', ''],
      ['.', ''],
      ['x', '/..'],
    ] as const)
      expect(refusal(() => parts.check({ path: { a, b } }))).toMatchObject({ code: 'parameter_refused' });
    const encoded = compiledTool({
      name: 'encoded',
      method: 'GET',
      url: 'https://a.example/x/{a}2e2e',
      parameters: { path: { a: { schema: {} } } },
    });
    expect(refusal(() => encoded.check({ path: { a: '%' } }))).toMatchObject({ code: 'parameter_refused' });
  });

  it('a URL that is longer than servers take', () => {
    const long = compiledTool({
      name: 'long',
      method: 'GET',
      url: `https://a.example/${Array.from({ length: 12 }, (_, index) => `{p${index}}`).join('/')}`,
      parameters: {
        path: Object.fromEntries(Array.from({ length: 12 }, (_, index) => [`p${index}`, { schema: {} }])),
      },
    });
    const values = Object.fromEntries(
      Array.from({ length: 12 }, (_, index) => [`p${index}`, 'x'.repeat(1_000)]),
    );
    expect(refusal(() => long.check({ path: values }))).toMatchObject({ code: 'parameter_refused' });
  });

  it('whatever is let through is one segment, and reads back as it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (user_id) => {
        const made = refusal(() => orders.check({ path: { user_id } }).url.href);
        if (typeof made !== 'string') return;
        const url = new URL(made);
        expect(url.href).toBe(made);
        expect(url.origin).toBe('https://api.example.com');
        const segments = url.pathname.split('/');
        expect(segments).toHaveLength(5);
        expect([segments[1], segments[2], segments[4]]).toEqual(['v1', 'users', 'orders']);
        expect(decodeURIComponent(segments[3] ?? '')).toBe(user_id);
        expect(orders.match('GET', url.pathname + url.search)?.path).toEqual({ user_id });
      }),
      { seed: 4, numRuns: 500 },
    );
  });
});

describe('what is not declared is refused', () => {
  it.each([
    ['/path/other', { path: { ...path, other: 1 } }],
    ['/query/Limit', { path, query: { Limit: 1 } }],
    ['/query/__proto__', { path, query: JSON.parse('{"__proto__":1}') as Record<string, unknown> }],
    ['/header/host', { path, header: { host: 'x' } }],
    ['/body', { path, body: {} }],
    ['/cookie', { path, cookie: {} }],
  ])('%s', (field, args) => {
    expect(refusal(() => orders.check(args))).toEqual({ code: 'parameter_unknown', field });
  });

  it('members of bodies, at any depth, unless the schema leaves them open', () => {
    for (const [body, field] of [
      [chatCase({ n: 1 }), '/body/n'],
      [chatCase({ messages: [{ role: 'user', tool: 1 }] }), '/body/messages/0/tool'],
    ] as const)
      expect(refusal(() => chat.check({ body }))).toEqual({ code: 'parameter_unknown', field });
    expect(chat.check({ body: chatCase({ metadata: { anything: 1 } }) }).body).toBeDefined();
  });
});

describe('values that do not fit are refused, and not repeated', () => {
  it.each([
    ['/path/user_id', { path: {} }],
    ['/path/user_id', { path: { user_id: 7 } }],
    ['/path/user_id', { path: { user_id: null } }],
    ['/query/limit', { path, query: { limit: '7' } }],
    ['/query/limit', { path, query: { limit: 101 } }],
    ['/query/kind/1', { path, query: { kind: ['open', 'lost'] } }],
    ['/query/note', { path, query: { note: 'a\0' } }],
    ['/query/note', { path, query: { note: '\ud800' } }],
    ['/header/x-trace', { path, header: { 'x-trace': 'a\r\nHost: evil' } }],
    ['/header/x-trace', { path, header: { 'X-Trace': ' a' } }],
    ['/header/x-trace', { path, header: { 'X-Trace': 'ä' } }],
    ['/header/x-trace', { path, header: { 'X-Trace': '' } }],
    ['/header/X-TRACE', { path, header: { 'x-trace': 'a', 'X-TRACE': 'b' } }],
    ['/query', { path, query: [] as unknown as Record<string, unknown> }],
  ])('%s', (field, args) => {
    expect(refusal(() => orders.check(args))).toEqual({ code: 'parameter_refused', field });
  });

  it('a body that is missing, and members of the wrong type', () => {
    expect(refusal(() => chat.check({}))).toEqual({ code: 'parameter_refused', field: '/body' });
    expect(refusal(() => chat.check({ body: chatCase({ model: 7 }) }))).toEqual({
      code: 'parameter_refused',
      field: '/body/model',
    });
  });

  it('numbers that were rounded when they were read', () => {
    const body = JSON.parse('{"model":"m","messages":[],"metadata":{"id":12345678901234567890}}') as unknown;
    expect(refusal(() => chat.check({ body }))).toEqual({ code: 'parameter_refused', field: '/body' });
  });

  it('what a condition of a schema asks is not changed by closing it', () => {
    const conditional = compiledTool({
      ...CHAT,
      parameters: {
        body: {
          schema: {
            type: 'object',
            properties: { owner: { type: 'object' }, amount: { type: 'integer' } },
            if: { properties: { owner: { type: 'object', properties: { kind: { const: 'guest' } } } } },
            then: { properties: { amount: { type: 'integer', maximum: 10 } } },
          },
        },
      },
    });
    const body = { owner: { kind: 'guest', more: 1 }, amount: 11 };
    expect(refusal(() => conditional.check({ body }))).toEqual({
      code: 'parameter_refused',
      field: '/body/amount',
    });
  });

  it('no part of a value is in the error', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{12}$/), (secret) => {
        const attempts = [
          () => orders.check({ path, query: { kind: [secret] } }),
          () => orders.check({ path, query: { limit: secret } }),
          () => orders.check({ path: { user_id: `../${secret}` } }),
          () => chat.check({ body: chatCase({ messages: secret }) }),
        ];
        for (const attempt of attempts)
          try {
            attempt();
            expect.unreachable();
          } catch (error) {
            expect(String((error as Error).message)).not.toContain(secret);
          }
      }),
      { seed: 4, numRuns: 20 },
    );
  });

  it('patterns take linear time', () => {
    const slow = compiledTool({
      ...ORDERS,
      parameters: { path: { user_id: { schema: { type: 'string', pattern: '^(a+)+$' } } } },
    });
    const started = performance.now();
    expect(refusal(() => slow.check({ path: { user_id: `${'a'.repeat(1_000)}!` } }))).toMatchObject({
      code: 'parameter_refused',
    });
    expect(performance.now() - started).toBeLessThan(1_000);
  });
});

describe('requests', () => {
  it('have their parameters in their places', () => {
    const made = orders.check({
      path: { user_id: 'ä b;c' },
      query: { note: 'a&b=c', kind: ['open', 'paid'], limit: 5 },
      header: { 'X-TRACE': 'abc' },
    });
    expect(made.url.href).toBe(
      'https://api.example.com/v1/users/%C3%A4%20b%3Bc/orders?limit=5&kind=open&kind=paid&note=a%26b%3Dc',
    );
    expect(made).toMatchObject({ method: 'GET', headers: { 'x-trace': 'abc' }, body: undefined });
  });

  it('have a body with its content type', () => {
    const body = chatCase({});
    const made = chat.check({ body });
    expect(made.headers).toEqual({ 'content-type': 'application/json' });
    expect(JSON.parse(made.body?.toString() ?? '')).toEqual(body);
  });

  it('answers are compared with the schema of the response', () => {
    const spec = { ...CHAT, response: { schema: { type: 'object', required: ['id'] } } };
    const described = compiledTool(spec);
    expect(refusal(() => described.checkResponse({ id: 1, more: 2 }))).toBeUndefined();
    expect(refusal(() => described.checkResponse([]))).toMatchObject({ code: 'tool_response_refused' });
  });
});
