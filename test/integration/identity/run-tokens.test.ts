import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  SignJWT,
  createLocalJWKSet,
  decodeJwt,
  decodeProtectedHeader,
  generateKeyPair,
  importJWK,
  jwtVerify,
  type JWK,
} from 'jose';
import { addSeconds, epochSeconds } from '../../../src/kernel/clock.js';
import { Secret } from '../../../src/kernel/secret.js';
import { Authentication } from '../../../src/identity/authentication.js';
import type { RunIdentity } from '../../../src/identity/run-token.js';
import { RunTokens } from '../../../src/identity/run-tokens.js';
import { freshDatabase, type TestDatabase } from '../../support/parts.js';
import { NOW, makeKey, settingsWith } from '../../unit/identity/fixtures.js';
import { startReplica, type Replica } from './identity-world.js';

const publicUrl = 'https://leasegate.example';
const identity: Omit<RunIdentity, 'tokenId' | 'expiresAt'> = {
  runRef: '0190d6f0-0000-7000-8000-000000000001',
  runId: 'run-7',
  stepId: 'build',
  grantId: '0190d6f0-0000-7000-8000-000000000002',
  grantName: 'builders',
  grantVersion: 3,
  issuer: 'https://issuer.example',
  subject: 'job:build',
  scope: ['credential:db', 'credential:kv'],
};
const later = addSeconds(NOW, 86_400);

let database: TestDatabase;
let one: Replica;
let other: Replica;
let tokens: RunTokens;

beforeAll(async () => {
  database = await freshDatabase();
  const settings = settingsWith([{ name: 'main', url: 'https://issuer.example', audience: 'a' }], {
    database: { url: database.url, poolSize: 4 },
    server: { publicUrl },
    runTokens: { ttlSeconds: 600, keyRotationSeconds: 3_600 },
  });
  [one, other] = await Promise.all([startReplica(settings, NOW), startReplica(settings, NOW)]);
  tokens = one.module.get(RunTokens);
});
afterAll(async () => {
  await one.stop();
  await other.stop();
  await database.drop();
});

const verify = (text: string): Promise<RunIdentity> => tokens.verify(Secret.of(text));

describe('a run token is refused', () => {
  /** A key in the table whose private half the test has: what a broken replica could sign. */
  let forge: (claims?: object, header?: object) => Promise<string>;
  beforeAll(async () => {
    const kid = 'A'.repeat(43);
    const { privateKey, jwk } = await makeKey(kid);
    await one.dataSource.query('INSERT INTO signing_keys VALUES ($1, $2, $3, $4, $5)', [
      kid,
      JSON.stringify(jwk),
      NOW,
      later,
      addSeconds(later, 600),
    ]);
    const good = decodeJwt((await tokens.mint(identity, later)).token.expose());
    forge = (claims = {}, header = {}) => {
      const full = { ...good, ...claims };
      return new SignJWT(Object.fromEntries(Object.entries(full).filter(([, value]) => value !== undefined)))
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid, ...header })
        .sign(privateKey);
    };
  });

  it('but not the one that the others are spoiled copies of', async () => {
    await expect(verify(await forge())).resolves.toMatchObject({ runId: 'run-7' });
  });

  it.each<[string, () => Promise<string>]>([
    ['no JWT', () => Promise.resolve('x')],
    ['an ID token', () => forge({}, { typ: 'JWT' })],
    ['no type', () => forge({}, { typ: undefined })],
    ['a key id that no replica has', () => forge({}, { kid: 'B'.repeat(43) })],
    ['a key id that is no thumbprint', () => forge({}, { kid: "'; DROP TABLE signing_keys; --" })],
    [
      'the key of a stranger',
      async () =>
        new SignJWT(decodeJwt(await forge()))
          .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: 'A'.repeat(43) })
          .sign((await generateKeyPair('ES256')).privateKey),
    ],
    [
      'alg none',
      async () => {
        const [, payload] = (await forge()).split('.');
        const header = { alg: 'none', typ: 'at+jwt', kid: 'A'.repeat(43) };
        return `${Buffer.from(JSON.stringify(header)).toString('base64url')}.${payload}.`;
      },
    ],
    ['another issuer', () => forge({ iss: 'https://other.example' })],
    ['another audience', () => forge({ aud: 'https://other.example' })],
    ['more audiences', () => forge({ aud: [publicUrl, 'https://other.example'] })],
    ['from the future', () => forge({ iat: epochSeconds(NOW) + 120 })],
    ['no run', () => forge({ run_id: undefined })],
    ['an empty step', () => forge({ step_id: '' })],
    ['a version as text', () => forge({ grant_version: '3' })],
    ['no expiry', () => forge({ exp: undefined })],
    ['a binding that is not understood', () => forge({ cnf: { 'x5t#S256': 'abc' } })],
    ['a binding to nothing', () => forge({ cnf: { jkt: '' } })],
  ])('run_token_invalid: %s', async (_, token) => {
    await expect(verify(await token())).rejects.toMatchObject({ code: 'run_token_invalid' });
  });

  it('run_token_expired: at its end, without mercy', async () => {
    await expect(verify(await forge({ exp: epochSeconds(NOW) }))).rejects.toMatchObject({
      code: 'run_token_expired',
    });
  });

  it('overloaded: key ids that nobody has, faster than the database is asked; known keys still serve', async () => {
    const replica = other.module.get(RunTokens);
    const good = Secret.of(await forge());
    await replica.verify(good);
    const codes = await Promise.all(
      Array.from({ length: 80 }, async (_, index) => {
        const text = await forge({}, { kid: `${index}`.padStart(43, 'C') });
        return replica.verify(Secret.of(text)).catch((error: { code: string }) => error.code);
      }),
    );
    expect(new Set(codes)).toEqual(new Set(['run_token_invalid', 'overloaded']));
    await expect(replica.verify(good)).resolves.toBeDefined();
    other.clock.advanceMs(2_000);
  });

  it('run_closed: nothing is made for a run that is past', async () => {
    await expect(tokens.mint(identity, NOW)).rejects.toMatchObject({ code: 'run_closed' });
  });

  it('when its key is withdrawn from the database, within a minute', async () => {
    const text = await forge();
    await verify(text);
    await one.dataSource.query('DELETE FROM signing_keys WHERE kid = $1', ['A'.repeat(43)]);
    one.clock.advanceMs(60_000);
    other.clock.advanceMs(60_000);
    await expect(verify(text)).rejects.toMatchObject({ code: 'run_token_invalid' });
  });
});

describe('a run token', () => {
  it('is verified by every replica, and says what it was made with', async () => {
    const minted = await tokens.mint({ ...identity, keyThumbprint: 'thumb' }, later);
    const read = await other.module.get(RunTokens).verify(minted.token);
    expect(read).toEqual({
      ...identity,
      keyThumbprint: 'thumb',
      tokenId: minted.tokenId,
      expiresAt: minted.expiresAt,
    });
  });

  it('is an access token of RFC 9068 that anybody can verify with the published keys', async () => {
    const { token } = await tokens.mint({ ...identity, scope: [] }, later);
    const jwks = await other.module.get(RunTokens).jwks();
    const { payload, protectedHeader } = await jwtVerify(token.expose(), createLocalJWKSet(jwks), {
      issuer: publicUrl,
      audience: publicUrl,
      typ: 'at+jwt',
      currentDate: one.clock.now(),
    });
    expect(protectedHeader).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: expect.any(String) as string });
    expect(payload).toMatchObject({
      sub: 'job:build',
      client_id: 'job:build',
      run_id: 'run-7',
      step_id: 'build',
      grant: 'builders',
      workload_issuer: 'https://issuer.example',
    });
    expect(payload['scope']).toBeUndefined();
    expect(JSON.stringify(jwks)).not.toContain('"d"');
  });

  it('never outlives what it is made for', async () => {
    const end = addSeconds(one.clock.now(), 90);
    expect((await tokens.mint(identity, end)).expiresAt).toEqual(end);
    expect((await tokens.mint(identity, later)).expiresAt).toEqual(addSeconds(one.clock.now(), 600));
  });

  it('redacts itself', async () => {
    const minted = await tokens.mint(identity, later);
    expect(JSON.stringify(minted)).not.toContain('eyJ');
  });

  it('is what a request is authenticated by', async () => {
    const { token } = await tokens.mint(identity, later);
    const headers = { authorization: `Bearer ${token.expose()}` };
    await expect(one.module.get(Authentication).run({ headers })).resolves.toMatchObject({ runId: 'run-7' });
  });
});

describe('a signing key', () => {
  const kidOf = async (): Promise<string | undefined> =>
    decodeProtectedHeader((await tokens.mint(identity, later)).token.expose()).kid;

  it('is made once, each replica its own, and its event is there with it', async () => {
    const kids = new Set(await Promise.all([kidOf(), kidOf(), kidOf()]));
    expect(kids.size).toBe(1);
    const created = (await one.events()).filter(({ kind }) => kind === 'signing_key.created');
    expect(created.map(({ data }) => data['key_id'])).toContain([...kids][0]);
    const { token } = await other.module.get(RunTokens).mint(identity, later);
    expect(kids).not.toContain(decodeProtectedHeader(token.expose()).kid);
  });

  it('is replaced in time, and verifies for as long as its last token lives', async () => {
    const before = await kidOf();
    const { token } = await tokens.mint(identity, later);
    one.clock.advanceMs(3_600_000);
    expect(await kidOf()).not.toBe(before);
    const old = (await tokens.jwks()).keys.find(({ kid }) => kid === before);
    expect(old).toBeDefined();
    const key = await importJWK(old as JWK, 'ES256');
    await expect(jwtVerify(token.expose(), key, { currentDate: NOW })).resolves.toBeDefined();
    one.clock.advanceMs(3_600_000 + 720_000);
    await kidOf();
    expect((await tokens.jwks()).keys.map(({ kid }) => kid)).not.toContain(before);
  });

  it('that cannot be published is not used, and the old one goes on for an hour', async () => {
    const before = await kidOf();
    one.clock.advanceMs(3_600_000);
    await one.dataSource.query('ALTER TABLE signing_keys RENAME TO signing_keys_away');
    try {
      expect(await kidOf()).toBe(before);
      one.clock.advanceMs(3_600_000);
      await expect(kidOf()).rejects.toThrow();
    } finally {
      await one.dataSource.query('ALTER TABLE signing_keys_away RENAME TO signing_keys');
    }
    expect(await kidOf()).not.toBe(before);
  });
});
