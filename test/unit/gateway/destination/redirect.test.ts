import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { InjectedRequest } from '../../../../src/gateway/destination/outbound-request.js';
import { RedirectTemplate } from '../../../../src/gateway/destination/redirect-template.js';
import { Secret } from '../../../../src/kernel/secret.js';
import { outboundParts, textOf, type OutboundParts } from '../../../support/outbound-parts.js';
import { startUpstream, type Upstream } from '../../../support/upstream.js';

const KEY = 'sk-live-0123456789';
const headers = {
  authorization: `Bearer ${KEY}`,
  'x-api-key': KEY,
  'x-trace': 'nobody else needs to know',
  accept: 'application/json',
  'content-type': 'application/json',
};

let first: Upstream;
let second: Upstream;
let parts: OutboundParts;

beforeAll(async () => {
  first = await startUpstream();
  second = await startUpstream({ ca: first.ca });
});
beforeEach(() => {
  parts = outboundParts();
});
afterEach(() => parts.stop());
afterAll(async () => {
  await first.stop();
  await second.stop();
});

/** Has the first upstream redirect there, and follows when the templates say so. */
async function follow(
  location: string,
  redirects: readonly string[],
  how: { status?: number; request?: Partial<InjectedRequest>; internal?: boolean } = {},
): Promise<string> {
  const method = how.request?.method ?? 'GET';
  first.on(
    method,
    '/from',
    (_request, response) => void response.writeHead(how.status ?? 302, { location }).end('moved'),
  );
  const answer = await parts.send(
    { url: new URL('/from', first.origin), headers, secrets: [Secret.of(KEY)], ...how.request },
    { caFile: first.caFile, redirects },
  );
  return textOf(answer);
}

describe('a redirect', () => {
  it.each<[string, string, readonly string[]]>([
    ['that is not listed', '/to', []],
    ['to another path', '/other', ['ORIGIN/to']],
    ['to another host', 'https://127.0.0.2:9/to', ['ORIGIN/to']],
    ['to another port', 'https://127.0.0.1:9/to', ['ORIGIN/to']],
    ['to plain http', 'http://127.0.0.1:9/to', ['https://127.0.0.1:9/to']],
    ['to another scheme', 'file:///etc/passwd', ['ORIGIN/to']],
    ['to a script', 'javascript:alert(1)', ['ORIGIN/to']],
    ['with userinfo', 'https://user:pass@127.0.0.1:PORT/to', ['ORIGIN/to']],
    ['with backslashes', 'https:\\\\127.0.0.1:PORT\\to', ['ORIGIN/to']],
    ['without a scheme, elsewhere', '//127.0.0.2:9/to', ['ORIGIN/to']],
    ['that climbs', '/a/../b', ['ORIGIN/a/{x}']],
    ['with encoded dots', '/a/%2e%2e', ['ORIGIN/a/{x}']],
    ['with an encoded slash', '/a/b%2fc', ['ORIGIN/a/{x}']],
    ['with an encoded backslash', '/a/b%5cc', ['ORIGIN/a/{x}']],
    ['encoded twice', '/a/b%252fc', ['ORIGIN/a/{x}']],
    ['with a path parameter', '/a/..;/b', ['ORIGIN/a/{x}/b']],
    ['with one segment more', '/a/b/c', ['ORIGIN/a/{x}']],
    ['with one segment less', '/a', ['ORIGIN/a/{x}']],
    ['with an empty segment', '/a/', ['ORIGIN/a/{x}']],
    ['to the address of machines', 'http://169.254.169.254/latest', ['http://169.254.169.254/latest']],
    ['to a number', 'https://2130706433/to', ['https://2130706433/to']],
    ['by a template with a wildcard host', 'https://127.0.0.2:9/to', ['https://*/to', 'https://{host}/to']],
    ['to a URL that is none', 'https://[::1/to', ['ORIGIN/to']],
  ])('%s is refused', async (_, location, redirects) => {
    const concrete = (text: string): string =>
      text.replaceAll('ORIGIN', first.origin).replaceAll('PORT', String(first.port));
    first.json('GET', '/to', 'reached');
    const following = follow(concrete(location), redirects.map(concrete));
    await expect(following).rejects.toMatchObject({
      code: expect.stringMatching(/^(redirect|destination)_refused$/) as string,
    });
  });

  it('is followed when it is listed, credential and all, on the same origin', async () => {
    first.json('GET', '/v2/users/7', 'reached');
    const before = first.requests.length;
    expect(await follow('/v2/users/7?page=2', [`${first.origin}/v2/users/{id}`])).toBe('"reached"');
    expect(first.requests.slice(before).map(({ path }) => path)).toEqual(['/from', '/v2/users/7?page=2']);
    expect(first.requests.at(-1)?.headers['authorization']).toBe(`Bearer ${KEY}`);
  });

  it('loses every credential on another origin', async () => {
    second.json('GET', '/blob', 'reached');
    expect(await follow(`${second.origin}/blob?signature=abc`, [`${second.origin}/blob`])).toBe('"reached"');
    const { rawHeaders } = second.requests.at(-1) ?? { rawHeaders: [] };
    expect(rawHeaders.filter((_, index) => index % 2 === 0)).toEqual([
      'host',
      'connection',
      'accept',
      'user-agent',
    ]);
    expect(JSON.stringify(second.requests.at(-1))).not.toContain(KEY);
  });

  it('is refused when a body or a target would carry the credential there', async () => {
    const before = second.requests.length;
    const request = { method: 'POST', body: Buffer.from(`secret=${KEY}`) } as const;
    await expect(
      follow(`${second.origin}/blob`, [`${second.origin}/blob`], { status: 307, request }),
    ).rejects.toMatchObject({ code: 'redirect_refused' });
    await expect(follow(`${second.origin}/blob?key=${KEY}`, [`${second.origin}/blob`])).rejects.toMatchObject(
      {
        code: 'redirect_refused',
      },
    );
    expect(second.requests).toHaveLength(before);
  });

  it.each([
    [301, 'POST', 'GET', ''],
    [302, 'POST', 'GET', ''],
    [303, 'PUT', 'GET', ''],
    [307, 'POST', 'POST', '{}'],
    [308, 'PUT', 'PUT', '{}'],
    [302, 'PUT', 'PUT', '{}'],
    [303, 'HEAD', 'HEAD', ''],
  ] as const)('%i turns %s into %s', async (status, method, becomes, body) => {
    first.json('*', '*', 'reached');
    const request = { method, body: method === 'HEAD' ? undefined : Buffer.from('{}') };
    await follow('/turned', [`${first.origin}/turned`], { status, request });
    expect(first.requests.at(-1)).toMatchObject({ method: becomes, path: '/turned' });
    expect(first.requests.at(-1)?.body.toString()).toBe(body);
  });

  it('is not followed for ever', async () => {
    first.on(
      'GET',
      '/loop',
      (_request, response) => void response.writeHead(302, { location: '/loop' }).end(),
    );
    const before = first.requests.length;
    await expect(follow('/loop', [`${first.origin}/loop`])).rejects.toMatchObject({
      code: 'redirect_refused',
    });
    expect(first.requests.length - before).toBe(6);
  });

  it('is none without a target', async () => {
    first.on('GET', '/lost', (_request, response) => void response.writeHead(302).end('lost'));
    const answer = await parts.send({ url: new URL('/lost', first.origin) }, { caFile: first.caFile });
    expect([answer.status, await textOf(answer)]).toEqual([302, 'lost']);
  });
});

describe('RedirectTemplate', () => {
  it.each([
    'api.example.com/a',
    'ftp://api.example.com/a',
    'https://api.example.com',
    'https://{host}/a',
    'https://*.example.com/a',
    'https://user@api.example.com/a',
    'https://api.example.com/a?b=c',
    'https://api.example.com/a#b',
    'https://api.example.com/a/%2e%2e',
    'https://api.example.com/{}',
    'https://api.example.com/{a',
    'https://api.example.com/a}',
    'https://0x7f.1/a',
    'https://api.example.com\\a',
  ])('%s is none', (template) => {
    expect(() => RedirectTemplate.of(template)).toThrow(/request_invalid|destination_refused/);
  });

  it.each([
    ['https://a.example/f-{x}.csv', 'https://a.example/f-1.csv', true],
    ['https://a.example/a;v=1/{x}', 'https://a.example/a;v=1/b', true],
    ['https://a.example/a;v=1/{x}', 'https://a.example/a;v=1/..;', false],
    ['https://a.example/f-{x}.csv', 'https://a.example/f-.csv', false],
    ['https://a.example/{x}-{y}', 'https://a.example/a-b-c', true],
    ['https://a.example/{x}-{y}', 'https://a.example/-', false],
    ['https://a.example/{x}{y}', 'https://a.example/ab', true],
    ['https://a.example/{x}{y}', 'https://a.example/a', false],
    ['https://a.example/{x}aa', 'https://a.example/aa', false],
    ['https://A.example:443/x', 'https://a.example/x', true],
    ['https://a.example/x', 'https://a.example:444/x', false],
    ['https://a.example/x', 'http://a.example/x', false],
  ])('%s and %s: %s', (template, url, matches) => {
    expect(RedirectTemplate.of(template).matches(new URL(url))).toBe(matches);
  });
});
