import { generateKeyPairSync } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { exportJWK, type JWK } from 'jose';
import { Secret } from '../../../src/kernel/secret.js';
import {
  AUDIENCE,
  LocalServer,
  goodClaims,
  makeKey,
  signed,
  verification,
  type TestKey,
} from './fixtures.js';

let server: LocalServer;
let key: TestKey;

beforeEach(async () => {
  [server, key] = await Promise.all([new LocalServer().start(), makeKey('k1')]);
  serve(key.jwk);
});
afterEach(() => server.stop());

function serve(...keys: unknown[]): void {
  server.json('/.well-known/openid-configuration', { issuer: server.url, jwks_uri: `${server.url}/jwks` });
  server.json('/jwks', { keys });
}

function parts(more: object = {}): ReturnType<typeof verification> {
  return verification([
    {
      name: 'main',
      url: server.url,
      audience: AUDIENCE,
      algorithms: ['ES256', 'RS256', 'PS256', 'EdDSA'],
      allowPrivateAddress: true,
      maxAgeSeconds: 86_400,
      maxLifetimeSeconds: 604_800,
      ...more,
    },
  ]);
}

const claims = (): Record<string, unknown> =>
  goodClaims({ iss: server.url, exp: (goodClaims()['exp'] as number) + 200_000 });
const tokenOf = async (by: TestKey, header = {}): Promise<Secret> =>
  Secret.of(await signed(by, claims(), header));
const jwksFetches = (): number => server.hits.filter((path) => path === '/jwks').length;

describe('a published key is refused', () => {
  const rsa = (options: { modulusLength: number; publicExponent?: number }): Promise<JWK> =>
    exportJWK(generateKeyPairSync('rsa', options).publicKey);

  it.each([
    ['symmetric', () => ({ kty: 'oct', k: 'c2VjcmV0', kid: 'k1' })],
    ['published with its private part', () => ({ ...key.jwk, d: 'AAAA' })],
    ['for encryption', () => ({ ...key.jwk, use: 'enc' })],
    ['for signing only', () => ({ ...key.jwk, use: undefined, key_ops: ['sign'] })],
    ['for another algorithm', () => ({ ...key.jwk, alg: 'ES384' })],
    ['on another curve', () => ({ ...key.jwk, crv: 'P-384' })],
    ['not on its curve', () => ({ ...key.jwk, x: key.jwk.y, y: key.jwk.x })],
    ['without numbers', () => ({ kty: 'EC', crv: 'P-256', kid: 'k1' })],
  ])('%s', async (_, bad) => {
    serve(bad());
    await expect(parts().verifier.verify(await tokenOf(key), 'workload')).rejects.toMatchObject({
      code: 'issuer_keys_refused',
    });
  });

  it.each([
    ['RSA with 1024 bits', () => rsa({ modulusLength: 1_024 })],
    ['RSA whose exponent is 1', async () => ({ ...(await rsa({ modulusLength: 2_048 })), e: 'AQ' })],
    ['RSA whose exponent is even', async () => ({ ...(await rsa({ modulusLength: 2_048 })), e: 'Ag' })],
    [
      'RSA padded with zeros to look long',
      async () => {
        const short = await rsa({ modulusLength: 1_024 });
        return {
          ...short,
          n: Buffer.concat([Buffer.alloc(256), Buffer.from(short.n ?? '', 'base64url')]).toString(
            'base64url',
          ),
        };
      },
    ],
    ['RSA without modulus', () => Promise.resolve({ kty: 'RSA', e: 'AQAB' })],
  ])('%s', async (_, bad) => {
    serve({ ...(await bad()), kid: 'r1' });
    const signer = { ...(await makeKey('r1', 'RS256')), alg: 'RS256' };
    await expect(parts().verifier.verify(await tokenOf(signer), 'workload')).rejects.toMatchObject({
      code: 'issuer_keys_refused',
    });
  });

  it('two under one id', async () => {
    serve(key.jwk, (await makeKey('k1')).jwk);
    await expect(parts().verifier.verify(await tokenOf(key), 'workload')).rejects.toMatchObject({
      code: 'issuer_keys_refused',
    });
  });

  it('alone: the good ones beside it still serve, and the check names it', async () => {
    serve({ kty: 'oct', k: 'c2VjcmV0', kid: 'bad' }, 'text', key.jwk);
    const { verifier, keys } = parts();
    await expect(verifier.verify(await tokenOf(key), 'workload')).resolves.toBeDefined();
    expect(await keys.check('main')).toEqual({
      ok: true,
      ageSeconds: 0,
      detail: 'refused bad: it is symmetric',
    });
  });
});

describe('an issuer is unavailable', () => {
  it.each([
    ['no discovery document', () => server.answers.delete('/.well-known/openid-configuration')],
    [
      'a document of another issuer',
      () =>
        server.json('/.well-known/openid-configuration', {
          issuer: `${server.url}/`,
          jwks_uri: `${server.url}/jwks`,
        }),
    ],
    [
      'a document without keys',
      () => server.json('/.well-known/openid-configuration', { issuer: server.url }),
    ],
    [
      'keys elsewhere by file',
      () =>
        server.json('/.well-known/openid-configuration', {
          issuer: server.url,
          jwks_uri: 'file:///etc/passwd',
        }),
    ],
    ['keys that are no set', () => server.json('/jwks', { key: [] })],
    ['keys that are not JSON', () => server.answers.set('/jwks', () => ({ body: '<html>' }))],
    [
      'a redirect',
      () =>
        server.answers.set('/jwks', (url) => ({
          status: 302,
          headers: { location: `${url}/other` },
          body: '',
        })),
    ],
    [
      'an answer without end',
      () => server.answers.set('/jwks', () => ({ body: `{"keys":[],"x":"${'x'.repeat(300_000)}"}` })),
    ],
  ])('%s', async (_, spoil) => {
    server.json('/other', { keys: [key.jwk] });
    spoil();
    const { verifier, keys } = parts();
    await expect(verifier.verify(await tokenOf(key), 'workload')).rejects.toMatchObject({
      code: 'issuer_unavailable',
      retryAfterSeconds: 1,
    });
    expect(await keys.check('main')).toMatchObject({ ok: false });
    expect(server.hits).not.toContain('/other');
  });

  it('on a private address that it is not configured for; nothing is sent', async () => {
    const { verifier } = parts({ url: 'https://127.0.0.1:1', allowPrivateAddress: false });
    const text = await signed(key, { ...claims(), iss: 'https://127.0.0.1:1' });
    await expect(verifier.verify(Secret.of(text), 'workload')).rejects.toMatchObject({
      code: 'issuer_unavailable',
      internal: expect.stringContaining('not a public address') as string,
    });
  });

  it('and is asked again after a pause, not at every request', async () => {
    const { verifier, clock } = parts();
    server.answers.delete('/jwks');
    const token = await tokenOf(key);
    for (let i = 0; i < 3; i += 1) await expect(verifier.verify(token, 'workload')).rejects.toThrow();
    expect(jwksFetches()).toBe(1);
    serve(key.jwk);
    clock.advanceMs(1_000);
    await expect(verifier.verify(token, 'workload')).resolves.toBeDefined();
  });
});

describe('keys are cached', () => {
  it('and fetched once for many tokens at the same time', async () => {
    const { verifier } = parts();
    const token = await tokenOf(key);
    await Promise.all(Array.from({ length: 20 }, () => verifier.verify(token, 'workload')));
    expect(jwksFetches()).toBe(1);
  });

  it('never fetched for an unknown issuer', async () => {
    const { verifier } = parts();
    const text = await signed(key, { ...claims(), iss: `${server.url}/` });
    await expect(verifier.verify(Secret.of(text), 'workload')).rejects.toMatchObject({
      code: 'issuer_unknown',
    });
    expect(server.hits).toEqual([]);
  });

  it('and a new key is found at once', async () => {
    const { verifier } = parts();
    await verifier.verify(await tokenOf(key), 'workload');
    const next = await makeKey('k2');
    serve(key.jwk, next.jwk);
    await expect(verifier.verify(await tokenOf(next), 'workload')).resolves.toBeDefined();
    expect(jwksFetches()).toBe(2);
  });

  it('and an unknown id is looked for once, and again after a minute', async () => {
    const { verifier, clock } = parts();
    await verifier.verify(await tokenOf(key), 'workload');
    const next = await makeKey('k2');
    const token = await tokenOf(next);
    for (let i = 0; i < 3; i += 1) {
      await expect(verifier.verify(token, 'workload')).rejects.toMatchObject({ code: 'token_key_unknown' });
    }
    expect(jwksFetches()).toBe(2);
    serve(key.jwk, next.jwk);
    clock.advanceMs(60_000);
    await expect(verifier.verify(token, 'workload')).resolves.toBeDefined();
  });

  it('and unknown ids are looked for within a budget', async () => {
    const { verifier } = parts();
    await verifier.verify(await tokenOf(key), 'workload');
    for (let i = 0; i < 50; i += 1) {
      const token = await tokenOf(key, { kid: `made-up-${i % 20}` });
      await expect(verifier.verify(token, 'workload')).rejects.toMatchObject({ code: 'token_key_unknown' });
    }
    expect(jwksFetches()).toBe(1 + 6);
  });

  it('and a known key serves while strangers use up the budget', async () => {
    const { verifier, clock } = parts();
    await verifier.verify(await tokenOf(key), 'workload');
    server.answers.delete('/jwks');
    clock.advanceMs(60_000);
    await expect(verifier.verify(await tokenOf(key, { kid: 'made-up' }), 'workload')).rejects.toMatchObject({
      code: 'issuer_unavailable',
    });
    await expect(verifier.verify(await tokenOf(key), 'workload')).resolves.toBeDefined();
  });

  it('a key that is withdrawn stops to verify when the set is fetched again', async () => {
    const { verifier, clock } = parts({ keyMaxAgeSeconds: 600 });
    await verifier.verify(await tokenOf(key), 'workload');
    serve((await makeKey('k2')).jwk);
    clock.advanceMs(601_000);
    await expect(verifier.verify(await tokenOf(key), 'workload')).rejects.toMatchObject({
      code: 'token_key_unknown',
    });
  });

  it('and serve through an outage, up to their hard maximum age', async () => {
    const { verifier, keys, clock } = parts({ keyMaxAgeSeconds: 600, keyHardMaxAgeSeconds: 3_600 });
    const token = await tokenOf(key);
    await verifier.verify(token, 'workload');
    await server.stop();
    clock.advanceMs(3_000_000);
    await expect(verifier.verify(token, 'workload')).resolves.toBeDefined();
    expect(await keys.check('main')).toMatchObject({
      ok: true,
      ageSeconds: 3_000,
      detail: expect.stringContaining('the last fetch failed') as string,
    });
    clock.advanceMs(601_000);
    await expect(verifier.verify(token, 'workload')).rejects.toMatchObject({ code: 'issuer_unavailable' });
    expect(await keys.check('main')).toMatchObject({ ok: false });
    server = await new LocalServer().start();
  });

  it('from a URL without discovery', async () => {
    const { verifier } = parts({ keys: { from: 'url', url: `${server.url}/jwks` } });
    await expect(verifier.verify(await tokenOf(key), 'workload')).resolves.toBeDefined();
    expect(server.hits).toEqual(['/jwks']);
  });

  it.each(['RS256', 'PS256', 'EdDSA'])('for %s', async (alg) => {
    const other = await makeKey('k9', alg);
    serve(key.jwk, other.jwk);
    await expect(parts().verifier.verify(await tokenOf(other), 'workload')).resolves.toBeDefined();
  });
});
