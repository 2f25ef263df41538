import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeForm, encodeForm } from '../../../../src/gateway/tool/form.js';
import { compiledTool, ORDERS, CHAT, refusal } from './tools.js';

const orders = compiledTool(ORDERS);
const chat = compiledTool(CHAT);
const refund = compiledTool({
  name: 'refund',
  method: 'POST',
  url: 'https://api.example.com/v1/refunds',
  parameters: {
    body: {
      content_type: 'application/x-www-form-urlencoded',
      schema: {
        type: 'object',
        properties: {
          amount: { type: 'integer' },
          charge: { type: 'string' },
          metadata: { type: 'object', additionalProperties: { type: 'string' } },
          expand: { type: 'array', items: { type: 'string' } },
        },
      },
    },
  },
});
const FORM = 'application/x-www-form-urlencoded';

describe('requests that are not to the tool', () => {
  it.each([
    ['POST', '/v1/users/ada/orders'],
    ['GET', '/v1/users/ada/orders/'],
    ['GET', '/v1/users/ada'],
    ['GET', '/V1/users/ada/orders'],
    ['GET', '//v1/users/ada/orders'],
    ['GET', '/v1/users/ada/../orders'],
    ['GET', '/v1/users//orders'],
    ['GET', '/v1/users/%ff/orders'],
    ['GET', 'https://api.example.com/v1/users/ada/orders'],
  ])('%s %s', (method, target) => {
    const args = orders.match(method, target);
    if (args === undefined) return;
    expect(refusal(() => orders.check(args))).toMatchObject({ code: 'parameter_refused' });
  });

  it.each(['%2e%2e', '..', '%2e', 'a%2fb', 'a%5cb', '..%3b', '%252e%252e', '%00', 'a%0d%0ab'])(
    'paths that mean others: %s',
    (segment) => {
      const args = orders.match('GET', `/v1/users/${segment}/orders`);
      if (args !== undefined)
        expect(refusal(() => orders.check(args))).toMatchObject({ code: 'parameter_refused' });
    },
  );

  it('names that stand twice, and undeclared ones', () => {
    const args = orders.match('GET', '/v1/users/ada/orders?limit=1&limit=2') ?? {};
    expect(refusal(() => orders.check(args))).toEqual({ code: 'parameter_refused', field: '/query/limit' });
    const more = orders.match('GET', '/v1/users/ada/orders?admin=1') ?? {};
    expect(refusal(() => orders.check(more))).toEqual({ code: 'parameter_unknown', field: '/query/admin' });
    const proto = orders.match('GET', '/v1/users/ada/orders?__proto__=1') ?? {};
    expect(refusal(() => orders.check(proto))).toEqual({
      code: 'parameter_unknown',
      field: '/query/__proto__',
    });
  });

  it('bodies of another type, or not well formed', () => {
    const read = (raw: string, type?: string): unknown =>
      refusal(() => chat.readBody(Buffer.from(raw), type));
    expect(read('{}', 'text/plain')).toMatchObject({ code: 'media_type_unsupported' });
    expect(read('{}')).toMatchObject({ code: 'media_type_unsupported' });
    expect(read('{', 'application/json')).toMatchObject({ code: 'request_malformed' });
    expect(read('{"__proto__":1}', 'application/json')).toMatchObject({ code: 'request_malformed' });
    const invalid = refusal(() => chat.readBody(Buffer.from([0x22, 0xff, 0x22]), 'application/json'));
    expect(invalid).toMatchObject({ code: 'request_malformed' });
    expect(refusal(() => orders.readBody(Buffer.from('x'), 'text/plain'))).toMatchObject({ field: '/body' });
    for (const form of ['a=1&a=2', 'a=1&a[b]=2', 'a[b=1', '[a]=1', '__proto__[x]=1', 'a=%ff'])
      expect(refusal(() => refund.readBody(Buffer.from(form), FORM))).toMatchObject({
        code: 'request_malformed',
      });
  });
});

describe('requests to the tool', () => {
  it('are read back, with numbers where the schema has them', () => {
    const headers = { 'x-trace': 'abc', 'user-agent': 'sdk', authorization: 'Bearer x' };
    const args = orders.match('get', '/v1/users/a%20b/orders?limit=5&kind=open&note=a+b', headers);
    expect(args).toEqual({
      path: { user_id: 'a b' },
      query: { limit: 5, kind: ['open'], note: 'a b' },
      header: { 'x-trace': 'abc' },
    });
    expect(orders.match('GET', '/v1/users/a/orders?limit=05')?.query).toEqual({ limit: '05' });
  });

  it('forms nest', () => {
    const raw = Buffer.from('charge=ch_1&amount=5&metadata[a%20b]=1&expand[]=x&expand[]=y');
    const body = refund.readBody(raw, `${FORM}; charset=utf-8`);
    expect(body).toEqual({ charge: 'ch_1', amount: 5, metadata: { 'a b': '1' }, expand: ['x', 'y'] });
    const sent = refund.check({ body }).body?.toString() ?? '';
    expect(sent).toBe('charge=ch_1&amount=5&metadata%5Ba%20b%5D=1&expand%5B0%5D=x&expand%5B1%5D=y');
    expect(refusal(() => refund.check({ body: { charge: 'x', admin: '1' } }))).toEqual({
      code: 'parameter_unknown',
      field: '/body/admin',
    });
  });

  it('forms read back as they were written', () => {
    const key = fc.stringMatching(/^[a-z]{1,6}$/).filter((name) => name !== '__proto__');
    const { tree } = fc.letrec((tie) => ({
      tree: fc.dictionary(key, fc.oneof({ maxDepth: 4 }, fc.string({ unit: 'grapheme' }), tie('tree')), {
        minKeys: 1,
        maxKeys: 3,
      }),
    }));
    fc.assert(
      fc.property(tree, (value) => {
        expect(decodeForm(encodeForm(value))).toEqual(structuredClone(value));
      }),
      { seed: 4, numRuns: 200 },
    );
  });

  it('arguments survive a round trip through a URL', () => {
    fc.assert(
      fc.property(
        fc.record({ limit: fc.integer({ min: 1, max: 100 }), note: fc.string({ unit: 'grapheme' }) }),
        (query) => {
          const { url } = orders.check({ path: { user_id: 'ada' }, query });
          expect(orders.match('GET', url.pathname + url.search)?.query).toEqual(query);
        },
      ),
      { seed: 4, numRuns: 200 },
    );
  });
});
