import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { SignJWT, calculateJwkThumbprint, type JWK } from 'jose';
import { ManualClock, epochSeconds } from '../../../src/kernel/clock.js';
import { Secret } from '../../../src/kernel/secret.js';
import { ProofVerifier } from '../../../src/identity/dpop.js';
import { NOW, makeKey, signedText, type TestKey } from './fixtures.js';

const url = 'https://leasegate.example/v1/leases';
const now = epochSeconds(NOW);
const accessToken = Secret.of('access-token');
const ath = createHash('sha256').update('access-token').digest('base64url');

let key: TestKey;
let other: TestKey;
let jwk: JWK;
beforeAll(async () => {
  [key, other] = await Promise.all([makeKey('k1'), makeKey('k2')]);
  const { kid: _kid, alg: _alg, use: _use, ...numbers } = key.jwk;
  jwk = numbers;
});

const header = (more: object = {}): Record<string, unknown> => ({
  typ: 'dpop+jwt',
  alg: 'ES256',
  jwk,
  ...more,
});
const payload = (more: object = {}): Record<string, unknown> => ({
  jti: 'proof-1',
  htm: 'POST',
  htu: url,
  iat: now,
  ...more,
});
const proofOf = (claims: object = {}, head: object = {}): Promise<string> =>
  signedText(key, JSON.stringify(payload(claims)), JSON.stringify(header(head)));
const verifier = (clock = new ManualClock(NOW)): ProofVerifier => new ProofVerifier(clock);

describe('a proof is refused', () => {
  it.each<[string, () => Promise<string>]>([
    ['no JWT', () => Promise.resolve('x')],
    ['two proofs in one header', async () => `${await proofOf()}, ${await proofOf({ jti: 'proof-2' })}`],
    ['larger than a proof is', () => proofOf({ padding: 'x'.repeat(9_000) })],
    [
      'a claim twice',
      () =>
        signedText(key, `${JSON.stringify(payload()).slice(0, -1)},"htm":"GET"}`, JSON.stringify(header())),
    ],
    ['no typ', () => proofOf({}, { typ: undefined })],
    ['typ of an access token', () => proofOf({}, { typ: 'at+jwt' })],
    ['alg none', () => proofOf({}, { alg: 'none' })],
    [
      'a symmetric algorithm',
      () =>
        new SignJWT(payload())
          .setProtectedHeader({ typ: 'dpop+jwt', alg: 'HS256', jwk })
          .sign(Buffer.alloc(32)),
    ],
    ['critical extensions', () => proofOf({}, { crit: ['x'] })],
    ['no key', () => proofOf({}, { jwk: undefined })],
    ['a key as text', () => proofOf({}, { jwk: JSON.stringify(jwk) })],
    ['a private key', () => proofOf({}, { jwk: { ...jwk, d: 'AAAA' } })],
    ['a symmetric key', () => proofOf({}, { jwk: { kty: 'oct', k: 'AAAA' } })],
    ['the key of somebody else', () => proofOf({}, { jwk: other.jwk })],
    ['another method', () => proofOf({ htm: 'GET' })],
    ['the method in another case', () => proofOf({ htm: 'post' })],
    ['another path', () => proofOf({ htu: `${url}/1` })],
    ['another host', () => proofOf({ htu: 'https://evil.example/v1/leases' })],
    ['another scheme', () => proofOf({ htu: 'http://leasegate.example/v1/leases' })],
    ['no URL', () => proofOf({ htu: '/v1/leases' })],
    ['made too long ago', () => proofOf({ iat: now - 91 })],
    ['made in the future', () => proofOf({ iat: now + 31 })],
    ['iat as text', () => proofOf({ iat: String(now) })],
    ['no jti', () => proofOf({ jti: undefined })],
    ['an endless jti', () => proofOf({ jti: 'x'.repeat(257) })],
  ])('%s', async (_, proof) => {
    await expect(verifier().verify(await proof(), { method: 'POST', url })).rejects.toMatchObject({
      code: 'proof_invalid',
    });
  });

  it.each([
    ['no ath', {}],
    ['the hash of another token', { ath: createHash('sha256').update('other').digest('base64url') }],
  ])('%s beside an access token', async (_, claims) => {
    const proof = await proofOf(claims);
    await expect(verifier().verify(proof, { method: 'POST', url, accessToken })).rejects.toMatchObject({
      code: 'proof_invalid',
    });
  });

  it('the second time, and for as long as it is fresh', async () => {
    const clock = new ManualClock(NOW);
    const proofs = verifier(clock);
    const proof = await proofOf();
    await proofs.verify(proof, { method: 'POST', url });
    for (const waitMs of [0, 60_000, 30_000]) {
      clock.advanceMs(waitMs);
      await expect(proofs.verify(proof, { method: 'POST', url })).rejects.toMatchObject({
        code: 'proof_invalid',
      });
    }
  });
});

describe('a proof is accepted', () => {
  it('and yields the thumbprint of its key', async () => {
    const proof = await proofOf({ ath });
    expect(await verifier().verify(proof, { method: 'POST', url, accessToken })).toEqual({
      keyThumbprint: await calculateJwkThumbprint(jwk),
    });
  });

  it.each([
    ['a query and a fragment', { htu: `${url}?a=1#b` }],
    ['the default port', { htu: 'https://LEASEGATE.example:443/v1/leases' }],
    ['clocks that differ a little', { iat: now + 29 }],
  ])('with %s', async (_, claims) => {
    await expect(verifier().verify(await proofOf(claims), { method: 'POST', url })).resolves.toBeDefined();
  });

  it('with the jti of another key', async () => {
    const proofs = verifier();
    await proofs.verify(await proofOf(), { method: 'POST', url });
    const theirs = await signedText(
      other,
      JSON.stringify(payload()),
      JSON.stringify(header({ jwk: other.jwk })),
    );
    await expect(proofs.verify(theirs, { method: 'POST', url })).resolves.toBeDefined();
  });
});
