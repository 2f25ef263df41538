import { describe, expect, it } from 'vitest';
import { Injection } from '../../../../src/gateway/inject/injection.js';
import type { OutboundRequest } from '../../../../src/gateway/destination/outbound-request.js';
import { heldWith, NOW, outbound, way } from './samples.js';

// From the test suite that AWS publishes for Signature Version 4, and from the worked examples of its documentation
// (IAM `ListUsers`). Those of paths that a URL resolves by itself are left out.
const HOST = 'https://example.amazonaws.com/';
const UNRESERVED = '-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const TOKEN =
  'AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==';

interface Vector {
  readonly name: string;
  readonly url: string;
  readonly signature: string;
  readonly request?: Partial<OutboundRequest>;
  readonly signed?: string;
  readonly service?: string;
  readonly token?: string;
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const BODY = Buffer.from('Param1=value1');

const VECTORS: readonly Vector[] = [
  {
    name: 'get-vanilla',
    url: HOST,
    signature: '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31',
  },
  {
    name: 'get-vanilla-query',
    url: `${HOST}?Param1=value1`,
    signature: 'a67d582fa61cc504c4bae71f336f98b97f1ea3c7a6bfe1b6e45aec72011b9aeb',
  },
  {
    name: 'get-vanilla-query-order-key-case',
    url: `${HOST}?Param2=value2&Param1=value1`,
    signature: 'b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500',
  },
  {
    name: 'get-vanilla-query-order-key',
    url: `${HOST}?Param1=value2&Param1=value1`,
    signature: '5772eed61e12b33fae39ee5e7012498b51d56abc0abb7c60486157bd471c4694',
  },
  {
    name: 'get-vanilla-query-order-value',
    url: `${HOST}?Param1=value2&Param1=Value1`,
    signature: 'eedbc4e291e521cf13422ffca22be7d2eb8146eecf653089df300a15b2382bd1',
  },
  {
    name: 'get-vanilla-query-unreserved',
    url: `${HOST}?${UNRESERVED}=${UNRESERVED}`,
    signature: '9c3e54bfcdf0b19771a7f523ee5669cdf59bc7cc0884027167c21bb143a40197',
  },
  {
    name: 'get-vanilla-utf8-query',
    url: `${HOST}?%E1%88%B4=bar`,
    signature: '2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04',
  },
  {
    name: 'get-unreserved',
    url: `${HOST}${UNRESERVED}`,
    signature: '07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f',
  },
  {
    name: 'get-header-value-trim',
    url: HOST,
    request: { headers: { 'my-header1': 'value1', 'my-header2': '"a   b   c"' } },
    signed: 'host;my-header1;my-header2;x-amz-date',
    signature: 'acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736',
  },
  {
    name: 'get-header-key-duplicate, joined',
    url: HOST,
    request: { headers: { 'my-header1': 'value2,value2,value1' } },
    signed: 'host;my-header1;x-amz-date',
    signature: 'c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea',
  },
  {
    name: 'post-vanilla',
    url: HOST,
    request: { method: 'POST' },
    signature: '5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
  },
  {
    name: 'post-vanilla-query',
    url: `${HOST}?Param1=value1`,
    request: { method: 'POST' },
    signature: '28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11',
  },
  {
    name: 'post-header-key-sort',
    url: HOST,
    request: { method: 'POST', headers: { 'my-header1': 'value1' } },
    signed: 'host;my-header1;x-amz-date',
    signature: 'c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c',
  },
  {
    name: 'post-header-value-case',
    url: HOST,
    request: { method: 'POST', headers: { 'my-header1': 'VALUE1' } },
    signed: 'host;my-header1;x-amz-date',
    signature: 'cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d',
  },
  {
    name: 'post-x-www-form-urlencoded',
    url: HOST,
    request: { method: 'POST', headers: FORM, body: BODY },
    signed: 'content-type;host;x-amz-date',
    signature: 'ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a',
  },
  {
    name: 'post-x-www-form-urlencoded-parameters',
    url: HOST,
    request: {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf8' },
      body: BODY,
    },
    signed: 'content-type;host;x-amz-date',
    signature: '1a72ec8f64bd914b0e42e42607c7fbce7fb2c7465f63e3092b3b0d39fa77a6fe',
  },
  {
    name: 'post-sts-header-before',
    url: HOST,
    request: { method: 'POST' },
    token: TOKEN,
    signed: 'host;x-amz-date;x-amz-security-token',
    signature: '85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead',
  },
  {
    name: 'the documentation, IAM ListUsers',
    url: 'https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08',
    service: 'iam',
    request: { headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8' } },
    signed: 'content-type;host;x-amz-date',
    signature: '5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7',
  },
];

const injection = new Injection({} as never);

describe('AWS Signature Version 4', () => {
  it.each(VECTORS)('$name', async ({ url, signature, request, signed, service = 'service', token }) => {
    const spec = way({
      as: 'aws-sigv4',
      service,
      region: 'us-east-1',
      ...(token !== undefined && { session_token_field: 'session_token' }),
    });
    const held = heldWith({
      access_key: 'AKIDEXAMPLE',
      secret_key: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
      session_token: token,
    });
    const { headers } = await injection.inject(outbound(url, request), spec, held, NOW);
    expect(headers['authorization']).toBe(
      `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/${service}/aws4_request, ` +
        `SignedHeaders=${signed ?? 'host;x-amz-date'}, Signature=${signature}`,
    );
    expect(headers['x-amz-date']).toBe('20150830T123600Z');
  });

  it('leaves the address as it was checked, and what the transport writes to the transport', async () => {
    const spec = way({ as: 'aws-sigv4', service: 's3', region: 'eu-west-1' });
    const held = heldWith({ access_key: 'AKIDEXAMPLE', secret_key: 'a secret key' });
    const url = 'https://bucket.s3.eu-west-1.amazonaws.com/a%20file?prefix=a%2Fb';
    const body = Buffer.from('{}');
    const headers = { 'content-type': 'application/json', 'accept-encoding': 'gzip' };
    const made = await injection.inject(outbound(url, { method: 'PUT', headers, body }), spec, held, NOW);
    expect(made.url.href).toBe(url);
    expect(Object.keys(made.headers).sort()).toEqual([
      'accept-encoding',
      'authorization',
      'content-type',
      'x-amz-content-sha256',
      'x-amz-date',
    ]);
    expect(made.headers['authorization']).not.toContain('accept-encoding');
  });

  it('gives the scrubber the key, the session token and the signature', async () => {
    const spec = way({
      as: 'aws-sigv4',
      service: 'sts',
      region: 'us-east-1',
      session_token_field: 'session_token',
    });
    const held = heldWith({ access_key: 'AKIDEXAMPLE', secret_key: 'the key', session_token: 'the token' });
    const { secrets, headers } = await injection.inject(outbound(HOST), spec, held, NOW);
    const texts = secrets.map((secret) => secret.expose());
    expect(texts.slice(0, 2)).toEqual(['the key', 'the token']);
    expect(headers['authorization']).toContain(`Signature=${texts[2] ?? 'none'}`);
  });
});
