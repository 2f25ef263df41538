import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { reviewedTool } from '../../../../src/gateway/tool/tool-review.js';
import type { ToolSpecInput } from '../../../../src/gateway/tool/tool-spec.js';
import { CHAT, compiledTool, ORDERS, refusal } from './tools.js';

const path = { user_id: { schema: { type: 'string' } } };
const without = { name: 'x', method: 'GET', parameters: {} } as const;

describe('URLs that no tool has', () => {
  it.each([
    'http://api.example.com/v1',
    'HTTPS://api.example.com/v1',
    'ftp://api.example.com/',
    '//api.example.com/',
    'api.example.com/v1',
    'https://',
    'https:///v1',
    'https://user@api.example.com/',
    'https://user:pw@api.example.com/',
    'https://api.example.com/v1?x=1',
    'https://api.example.com/v1#x',
    'https://api.example.com:0/',
    'https://api.example.com:99999/',
    'https://api.example.com:443:443/',
    'https://{host}/v1',
    'https://*.example.com/v1',
    'https://api.example.com/v1/../admin',
    'https://api.example.com/v1/./x',
    'https://api.example.com/v1//x',
    'https://api.example.com/v1/%2e%2e/x',
    'https://api.example.com/v1/a%2fb',
    'https://api.example.com/v1/a%5cb',
    'https://api.example.com/v1/a%252fb',
    'https://api.example.com/v1/..;/x',
    'https://api.example.com/v1/a b',
    'https://api.example.com/v1/a\\b',
    'https://api.example.com/v1/ä',
    'https://api.example.com/v1/{a}{b}',
    'https://api.example.com/v1/{a}/{a}',
    'https://api.example.com/v1/{}',
    'https://api.example.com/v1/{a',
    'https://api.example.com/v1/a}',
    'https://api.example.com/v1/{unknown}',
    'https://0x7f.1/',
    'https://127.1/',
    'https://0177.0.0.1/',
    'https://2130706433/',
    'https://[::ffff:127.0.0.1]/',
    'https://[fe80::1%25eth0]/',
    'https://api%2eexample.com/',
    'https://api.example.com\\@evil.example/',
    'https://api.example.com\n/',
    'https://\u2460.example.com/',
  ])('%j', (url) => {
    expect(refusal(() => reviewedTool({ ...without, url }))).toMatchObject({
      code: 'request_invalid',
      field: '/url',
    });
  });

  it('of redirects neither', () => {
    const spec = { ...without, url: 'https://a.example/', redirects: ['https://b.example/%2e%2e/x'] };
    expect(refusal(() => reviewedTool(spec))).toMatchObject({ field: '/redirects/0' });
  });

  it('plain http is for internal tools', () => {
    expect(reviewedTool({ ...without, url: 'http://a.internal/', internal: true }).internal).toBe(true);
  });
});

describe('headers that no caller fills', () => {
  it.each([
    'Host',
    'Content-Length',
    'content-type',
    'Transfer-Encoding',
    'Connection',
    'Keep-Alive',
    'TE',
    'Trailer',
    'Upgrade',
    'Expect',
    'Authorization',
    'Cookie',
    'Proxy-Authorization',
    'Proxy-Connection',
    'X-Forwarded-For',
    'X-Forwarded-Host',
    'Forwarded',
    'X-Real-IP',
    'X-HTTP-Method-Override',
    'X-Original-URL',
    'X-Rewrite-URL',
    'Leasegate-Step',
  ])('%s', (name) => {
    const spec = {
      ...without,
      url: 'https://a.example/',
      parameters: { header: { [name]: { schema: { type: 'string' } } } },
    };
    expect(refusal(() => reviewedTool(spec))).toEqual({
      code: 'request_invalid',
      field: `/parameters/header/${name}`,
    });
  });
});

describe('specs that could not be called by', () => {
  const schema = (value: Record<string, unknown>): ToolSpecInput => ({
    ...ORDERS,
    parameters: { path: { user_id: { schema: value } } },
  });
  it.each<[string, string, unknown]>([
    ['an unknown field', '/colour', { ...ORDERS, colour: 'red' }],
    ['a schema that is none', '/parameters/path/user_id/schema', schema({ type: 'text' })],
    ['an unknown keyword', '/parameters/path/user_id/schema', schema({ type: 'string', maxLenght: 3 })],
    ['an unknown format', '/parameters/path/user_id/schema', schema({ type: 'string', format: 'colour' })],
    ['a keyword without effect', '/parameters/path/user_id/schema', schema({ minLength: 3 })],
    [
      'a pattern that is not RE2',
      '/parameters/path/user_id/schema',
      schema({ type: 'string', pattern: '(?=a)' }),
    ],
    ['a reference to elsewhere', '/parameters/path/user_id/schema', schema({ $ref: 'https://a.example/s' })],
    [
      'a schema that answers later',
      '/parameters/path/user_id/schema',
      schema({ $async: true, type: 'string' }),
    ],
    [
      'another dialect',
      '/parameters/path/user_id/schema',
      schema({ $schema: 'http://json-schema.org/draft-04/schema#' }),
    ],
    [
      'a parameter that the URL lacks',
      '/parameters/path/other',
      { ...ORDERS, parameters: { path: { ...path, other: { schema: {} } } } },
    ],
    ['JSON without a schema', '/parameters/body/schema', { ...CHAT, parameters: { body: {} } }],
    [
      'bytes with a schema',
      '/parameters/body/schema',
      { ...CHAT, parameters: { body: { content_type: 'text/plain', schema: {} } } },
    ],
    [
      'a content type with a line end',
      '/parameters/body/content_type',
      { ...CHAT, parameters: { body: { content_type: 'text/plain\r\nx: y' } } },
    ],
    ['a body of a GET', '/parameters/body', { ...ORDERS, parameters: { path, body: { schema: {} } } }],
    ['retries of a POST', '/retries', { ...CHAT, retries: 1 }],
    ['a response schema that is none', '/response/schema', { ...ORDERS, response: { schema: { type: 7 } } }],
    [
      'a response header that is not passed on',
      '/response/headers/0',
      { ...ORDERS, response: { headers: ['Set-Cookie'] } },
    ],
    [
      'a credential in a framing header',
      '/credential/inject/name',
      { ...ORDERS, credential: { name: 'c', inject: { as: 'header', name: 'Host' } } },
    ],
    [
      'a credential where callers write',
      '/credential/inject/name',
      { ...ORDERS, credential: { name: 'c', inject: { as: 'header', name: 'x-trace' } } },
    ],
    [
      'a credential in a declared query',
      '/credential/inject/name',
      { ...ORDERS, credential: { name: 'c', inject: { as: 'query', name: 'note' } } },
    ],
    ['NUL in a text', '', { ...ORDERS, description: 'a\0b' }],
  ])('%s', (_name, field, spec) => {
    expect(refusal(() => reviewedTool(spec))).toEqual({ code: 'request_invalid', field });
  });
});

describe('the examples', () => {
  const folder = join(import.meta.dirname, '../../../../config/tools');
  it.each(readdirSync(folder))('%s', (file) => {
    const spec = parse(readFileSync(join(folder, file), 'utf8')) as ToolSpecInput;
    expect(compiledTool(spec).tool.name).toBe(file.replace('.yaml', ''));
  });
});
