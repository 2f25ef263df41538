import { describe, expect, it } from 'vitest';
import { bearerFromProviderKey } from '../../../../src/api/gateway/provider-key.js';
import type { ApiRequest } from '../../../../src/api/http/request.js';

function moved(headers: Readonly<Record<string, string>>): Readonly<Record<string, unknown>> {
  const request = { raw: { headers: { ...headers } } };
  bearerFromProviderKey(request as unknown as ApiRequest);
  return request.raw.headers;
}

describe('the key of an SDK', () => {
  it.each([
    [{ 'x-api-key': 'abc' }, { authorization: 'Bearer abc' }],
    [{ 'api-key': 'abc' }, { authorization: 'Bearer abc' }],
    [{ 'x-goog-api-key': 'abc' }, { authorization: 'Bearer abc' }],
    [{ authorization: 'Bearer abc' }, { authorization: 'Bearer abc' }],
    [{ authorization: 'DPoP abc' }, { authorization: 'DPoP abc' }],
    [{ authorization: `Basic ${Buffer.from('abc:').toString('base64')}` }, { authorization: 'Bearer abc' }],
    [
      { authorization: `Basic ${Buffer.from('abc:x:y').toString('base64')}` },
      { authorization: 'Bearer abc' },
    ],
    [{ authorization: 'Bearer abc', 'x-api-key': 'def' }, { authorization: 'Bearer abc' }],
    [{ accept: '*/*' }, { accept: '*/*' }],
  ])('%j becomes %j', (sent, expected) => {
    expect(moved(sent)).toEqual(expected);
  });
});
