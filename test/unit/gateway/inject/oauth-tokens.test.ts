import { beforeEach, describe, expect, it } from 'vitest';
import { Injection } from '../../../../src/gateway/inject/injection.js';
import { OAuthTokens } from '../../../../src/gateway/inject/oauth-tokens.js';
import {
  TokenEndpoint,
  type Reach,
  type TokenAnswer,
} from '../../../../src/gateway/inject/token-endpoint.js';
import type { InjectedRequest } from '../../../../src/gateway/destination/outbound-request.js';
import { ManualClock } from '../../../../src/kernel/clock.js';
import { Secret } from '../../../../src/kernel/secret.js';
import { heldWith, NOW, outbound, way } from './samples.js';

interface Asked {
  readonly url: string;
  readonly basic: string;
  readonly form: Readonly<Record<string, string>>;
  readonly reach: Reach;
}

class ScriptedEndpoint extends TokenEndpoint {
  readonly asked: Asked[] = [];
  answer: (count: number) => { status: number; json: unknown } = (count) => ({
    status: 200,
    json: { access_token: `token-${count}`, token_type: 'Bearer', expires_in: 100 },
  });

  async post(
    url: URL,
    basic: Secret,
    form: Readonly<Record<string, string>>,
    reach: Reach,
  ): Promise<TokenAnswer> {
    this.asked.push({ url: url.href, basic: basic.expose(), form, reach });
    const { status, json } = this.answer(this.asked.length);
    await Promise.resolve();
    return { status, json: Secret.of(json) };
  }
}

let clock: ManualClock;
let endpoint: ScriptedEndpoint;
let injection: Injection;
const spec = way({
  as: 'oauth-client-credentials',
  token_url: 'https://login.example.com/token',
  scope: 'read write',
});
const held = {
  ...heldWith({ client_id: 'id:ä', client_secret: 's ecret' }),
  usableUntil: new Date('2016-01-01'),
};

beforeEach(() => {
  clock = new ManualClock(NOW);
  endpoint = new ScriptedEndpoint();
  injection = new Injection(new OAuthTokens(endpoint, clock));
});

function inject(): Promise<InjectedRequest> {
  return injection.inject(outbound('https://api.example.com/'), spec, held, clock.now());
}

describe('OAuth client credentials are refused', () => {
  it.each([
    [
      'a client that the server refuses',
      { status: 401, json: { error: 'invalid_client' } },
      'credential_unusable',
    ],
    ['a scope that it refuses', { status: 400, json: { error: 'invalid_scope' } }, 'credential_unusable'],
    ['a server that fails', { status: 500, json: undefined }, 'upstream_response_refused'],
    ['an answer that is no JSON', { status: 200, json: undefined }, 'upstream_response_refused'],
    [
      'another kind of token',
      { status: 200, json: { access_token: 'a', token_type: 'mac' } },
      'upstream_response_refused',
    ],
    [
      'a token with a line break',
      { status: 200, json: { access_token: 'a\r\nb: c', token_type: 'bearer' } },
      'upstream_response_refused',
    ],
  ])('for %s, and asked for again by the next call', async (_what, answer, code) => {
    endpoint.answer = () => answer;
    await expect(inject()).rejects.toMatchObject({ code });
    await expect(inject()).rejects.toMatchObject({ code });
    expect(endpoint.asked).toHaveLength(2);
  });
});

describe('OAuth client credentials', () => {
  it('asks as RFC 6749 says, and puts the token in', async () => {
    const made = await inject();
    expect(made.headers).toEqual({ authorization: 'Bearer token-1' });
    expect(made.secrets.map((secret) => secret.expose())).toEqual(['token-1', 's ecret']);
    expect(endpoint.asked[0]).toEqual({
      url: 'https://login.example.com/token',
      basic: Buffer.from('id%3A%C3%A4:s+ecret').toString('base64'),
      form: { grant_type: 'client_credentials', scope: 'read write' },
      reach: { internal: false },
    });
  });

  it('asks once for calls that come together, and not again until 30 seconds before the end', async () => {
    await Promise.all([inject(), inject(), inject()]);
    clock.advanceMs(69_999);
    expect((await inject()).headers).toEqual({ authorization: 'Bearer token-1' });
    expect(endpoint.asked).toHaveLength(1);
    clock.advanceMs(1);
    expect((await inject()).headers).toEqual({ authorization: 'Bearer token-2' });
  });

  it('asks for each client and each scope', async () => {
    await inject();
    const other = { ...held, data: Secret.of({ client_id: 'id:ä', client_secret: 'rotated' }) };
    await injection.inject(outbound('https://api.example.com/'), spec, other, clock.now());
    expect(endpoint.asked).toHaveLength(2);
  });

  it('does not keep a token that ends at once', async () => {
    endpoint.answer = (count) => ({
      status: 200,
      json: { access_token: `token-${count}`, token_type: 'bearer', expires_in: '5' },
    });
    expect((await inject()).headers).toEqual({ authorization: 'Bearer token-1' });
    expect((await inject()).headers).toEqual({ authorization: 'Bearer token-2' });
  });
});
