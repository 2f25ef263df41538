import { describe, expect, it } from 'vitest';
import type { GrantedTool } from '../../../../src/grant/granted-tool.js';
import { compileNarrowing } from '../../../../src/gateway/tool/narrowing.js';
import { chatCase } from './chat-cases.js';
import { CHAT, compiledTool, ORDERS, refusal } from './tools.js';

const orders = compiledTool(ORDERS);
const chat = compiledTool(CHAT);
const path = { user_id: 'ada' };
const granted = (rest: Omit<GrantedTool, 'name'>): ReturnType<typeof compileNarrowing> =>
  compileNarrowing({ name: 'orders', ...rest });

describe('what cannot narrow', () => {
  it.each<[string, Omit<GrantedTool, 'name'>]>([
    ['/constants/~1user_id', { constants: { '/user_id': 'x' } }],
    ['/constants/~1path~1a~1b', { constants: { '/path/a/b': 'x' } }],
    ['/allow/query~1kind', { allow: { 'query/kind': ['open'] } }],
    ['/cel', { cel: '' }],
    ['/cel', { cel: 'claims.sub == "x"' }],
    ['/cel', { cel: 'args.path.user_id' }],
    ['/cel', { cel: 'args.body.messages.map(m, m.role) == []' }],
  ])('%s', (field, rest) => {
    expect(refusal(() => granted(rest))).toEqual({ code: 'request_invalid', field });
  });
});

describe('what a grant does not allow', () => {
  it('another value than the constant', () => {
    const narrowing = granted({ constants: { '/path/user_id': 'ada', '/header/X-Trace': 't' } });
    const refused = { code: 'parameter_refused', field: '/path/user_id' };
    for (const user_id of ['bob', '', null, 7, ['ada'], 'Ada'])
      expect(refusal(() => orders.check({ path: { user_id } }, narrowing))).toEqual(refused);
    expect(refusal(() => orders.check({ header: { 'x-trace': 'u' } }, narrowing))).toMatchObject({
      code: 'parameter_refused',
    });
  });

  it('a value that is not one of the list, or none', () => {
    const narrowing = granted({ allow: { '/query/kind': ['open'] } });
    const refused = { code: 'parameter_refused', field: '/query/kind' };
    for (const query of [{ kind: ['paid'] }, { kind: ['open', 'paid'] }, { kind: [] }, {}, undefined])
      expect(refusal(() => orders.check({ path, ...(query && { query }) }, narrowing))).toEqual(refused);
    expect(orders.check({ path, query: { kind: ['open'] } }, narrowing).url.search).toBe('?kind=open');
  });

  it('members of a body, also through names of the prototype', () => {
    const model = { '/body/model': ['small'] };
    expect(
      refusal(() => chat.check({ body: chatCase({ model: 'large' }) }, granted({ allow: model }))),
    ).toEqual({
      code: 'parameter_refused',
      field: '/body/model',
    });
    const odd = granted({ allow: { '/body/constructor': ['small'] } });
    expect(refusal(() => chat.check({ body: chatCase({}) }, odd))).toMatchObject({
      code: 'parameter_refused',
    });
  });

  it('a condition that does not hold, or cannot be evaluated', () => {
    const cel = (expression: string): unknown =>
      refusal(() => orders.check({ path, query: { limit: 50 } }, granted({ cel: expression })));
    const refused = { code: 'parameter_refused', field: undefined };
    expect(cel('args.query.limit <= 10')).toEqual(refused);
    expect(cel('args.query.note == "x"')).toEqual(refused);
    expect(cel('args.path.user_id.startsWith("b")')).toEqual(refused);
    expect(cel('args.query.limit <= 50 && args.path.user_id.matches("[a-z]+")')).not.toEqual(refused);
    expect(cel('!has(args.query.note) && args.header == args.header')).not.toEqual(refused);
  });
});

describe('constants', () => {
  it('are filled in, at any depth', () => {
    const fixed = granted({
      constants: { '/path/user_id': 'ada', '/query/limit': 3, '/header/X-Trace': 't' },
    });
    const made = orders.check({}, fixed);
    expect(made.url.href).toBe('https://api.example.com/v1/users/ada/orders?limit=3');
    expect(made.headers).toEqual({ 'x-trace': 't' });
    const deep = compileNarrowing({ name: 'chat', constants: { '/body/metadata/team': 'red' } });
    const given = chatCase({});
    const body = chat.check({ body: given }, deep).body?.toString() ?? '';
    expect(JSON.parse(body)).toMatchObject({ metadata: { team: 'red' } });
    expect(given).not.toHaveProperty('metadata');
  });

  it('long texts of a body are looked at', () => {
    const narrowing = compileNarrowing({ name: 'chat', cel: 'args.body.messages.all(m, m.role == "user")' });
    const messages = [{ role: 'user', content: 'x'.repeat(100_000) }];
    expect(chat.check({ body: chatCase({ messages }) }, narrowing).body).toBeDefined();
  });
});
