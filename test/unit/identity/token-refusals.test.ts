import { beforeAll, describe, expect, it } from 'vitest';
import { SignJWT } from 'jose';
import { BrokerError } from '../../../src/kernel/broker-error.js';
import { epochSeconds } from '../../../src/kernel/clock.js';
import type { ErrorCode } from '../../../src/kernel/error-codes.js';
import { Secret } from '../../../src/kernel/secret.js';
import type { TokenUse } from '../../../src/identity/verified-token.js';
import {
  AUDIENCE,
  NOW,
  goodClaims,
  makeKey,
  signed,
  signedText,
  verification,
  type TestKey,
} from './fixtures.js';

const now = epochSeconds(NOW);
let key: TestKey;
let stranger: TestKey;
let rsa: TestKey;

beforeAll(async () => {
  [key, stranger, rsa] = await Promise.all([makeKey('k1'), makeKey('k1'), makeKey('r1', 'RS256')]);
});

function parts(issuer: object = {}): ReturnType<typeof verification> {
  const base = { name: 'main', url: 'https://issuer.example', audience: AUDIENCE };
  return verification([
    { ...base, keys: { from: 'inline', jwks: { keys: [key.jwk, rsa.jwk] } }, ...issuer },
    {
      ...base,
      name: 'people',
      url: 'https://people.example',
      usableFor: ['admin'],
      keys: { from: 'inline', jwks: { keys: [key.jwk] } },
    },
  ]);
}

async function refusal(text: string, issuer: object = {}, use: TokenUse = 'workload'): Promise<BrokerError> {
  try {
    await parts(issuer).verifier.verify(Secret.of(text), use);
  } catch (error) {
    if (error instanceof BrokerError) return error;
    throw error;
  }
  throw new Error('accepted');
}

const sign = (claims: Record<string, unknown> = {}, header = {}): Promise<string> =>
  signed(key, goodClaims(claims), header);
const raw = (payload: string, header?: string): Promise<string> => signedText(key, payload, header);
const withoutEnd = (json: string): string => json.slice(0, -1);

interface Row {
  readonly code: ErrorCode;
  readonly what: string;
  readonly token: () => string | Promise<string>;
  readonly issuer?: object;
  readonly use?: TokenUse;
}

const rows: Row[] = [
  { code: 'token_oversize', what: 'more than 16 KiB', token: () => sign({ padding: 'x'.repeat(16_384) }) },
  { code: 'token_malformed', what: 'empty', token: () => '' },
  { code: 'token_malformed', what: 'no JWT', token: () => 'hvs.AAAA' },
  {
    code: 'token_malformed',
    what: 'two parts',
    token: async () => (await sign()).split('.').slice(0, 2).join('.'),
  },
  { code: 'token_malformed', what: 'five parts, as a JWE has', token: async () => `${await sign()}.a.b` },
  { code: 'token_malformed', what: 'payload is no object', token: () => raw('[]') },
  { code: 'token_malformed', what: 'payload is no JSON', token: () => raw('{') },
  { code: 'token_malformed', what: 'base64 with padding', token: async () => `${await sign()}==` },
  {
    code: 'token_malformed',
    what: 'base64url with stray bits at its end',
    token: async () => {
      const text = await sign();
      return text.slice(0, -1) + nextCharacter(text.at(-1));
    },
  },
  {
    code: 'token_claims_ambiguous',
    what: 'sub twice',
    token: () => raw(`${withoutEnd(JSON.stringify(goodClaims()))},"sub":"other"}`),
  },
  {
    code: 'token_claims_ambiguous',
    what: 'sub and SUB',
    token: () => raw(`${withoutEnd(JSON.stringify(goodClaims()))},"SUB":"other"}`),
  },
  {
    code: 'token_claims_ambiguous',
    what: 'kid twice in the header',
    token: () => raw(JSON.stringify(goodClaims()), '{"alg":"ES256","kid":"k1","kid":"k2"}'),
  },
  { code: 'issuer_unknown', what: 'another issuer', token: () => sign({ iss: 'https://evil.example' }) },
  { code: 'issuer_unknown', what: 'a trailing slash', token: () => sign({ iss: 'https://issuer.example/' }) },
  { code: 'issuer_unknown', what: 'another case', token: () => sign({ iss: 'https://ISSUER.example' }) },
  {
    code: 'issuer_unknown',
    what: 'an issuer of people only',
    token: () => sign({ iss: 'https://people.example' }),
  },
  { code: 'issuer_unknown', what: 'an issuer of workloads only', token: () => sign(), use: 'admin' },
  { code: 'token_claim_type', what: 'no iss', token: () => sign({ iss: undefined }) },
  { code: 'token_claim_type', what: 'iss is a list', token: () => sign({ iss: ['https://issuer.example'] }) },
  {
    code: 'token_algorithm_refused',
    what: 'alg none',
    token: () => `${b64({ alg: 'none' })}.${b64(goodClaims())}.`,
  },
  {
    code: 'token_algorithm_refused',
    what: 'alg None',
    token: () => `${b64({ alg: 'None' })}.${b64(goodClaims())}.`,
  },
  {
    code: 'token_algorithm_refused',
    what: 'HMAC under the public key',
    token: () =>
      new SignJWT(goodClaims())
        .setProtectedHeader({ alg: 'HS256', kid: 'k1' })
        .sign(Buffer.from(JSON.stringify(key.jwk).padEnd(64))),
  },
  {
    code: 'token_algorithm_refused',
    what: 'an algorithm that is not configured',
    token: () => sign(),
    issuer: { algorithms: ['RS256'] },
  },
  {
    code: 'token_algorithm_refused',
    what: 'no alg',
    token: () => raw(JSON.stringify(goodClaims()), '{"kid":"k1"}'),
  },
  {
    code: 'token_header_refused',
    what: 'unknown crit',
    token: () => raw(JSON.stringify(goodClaims()), '{"alg":"ES256","kid":"k1","crit":["x"],"x":1}'),
  },
  {
    code: 'token_header_refused',
    what: 'empty crit',
    token: () => raw(JSON.stringify(goodClaims()), '{"alg":"ES256","kid":"k1","crit":[]}'),
  },
  {
    code: 'token_header_refused',
    what: 'unencoded payload',
    token: () => raw(JSON.stringify(goodClaims()), '{"alg":"ES256","kid":"k1","b64":false,"crit":["b64"]}'),
  },
  { code: 'token_header_refused', what: 'a DPoP proof', token: () => sign({}, { typ: 'dpop+jwt' }) },
  { code: 'token_header_refused', what: 'a logout token', token: () => sign({}, { typ: 'logout+jwt' }) },
  {
    code: 'token_header_refused',
    what: 'kid is a number',
    token: () => raw(JSON.stringify(goodClaims()), '{"alg":"ES256","kid":1}'),
  },
  { code: 'token_key_unknown', what: 'unknown kid', token: () => sign({}, { kid: 'k2' }) },
  { code: 'token_key_unknown', what: 'kid is a path', token: () => sign({}, { kid: '../../etc/passwd' }) },
  {
    code: 'issuer_keys_refused',
    what: 'kid of a key for another algorithm',
    token: () => sign({}, { kid: 'r1' }),
  },
  {
    code: 'token_signature_invalid',
    what: 'the key of a stranger',
    token: () => signed(stranger, goodClaims()),
  },
  {
    code: 'token_signature_invalid',
    what: 'the key of a stranger, carried in jwk',
    token: () => signed(stranger, goodClaims(), { jwk: stranger.jwk }),
  },
  {
    code: 'token_signature_invalid',
    what: 'the key of a stranger, named by jku and x5u',
    token: () =>
      signed(stranger, goodClaims(), { jku: 'https://evil.example/jwks', x5u: 'https://evil.example/x5' }),
  },
  {
    code: 'token_signature_invalid',
    what: 'another payload',
    token: async () => {
      const [header, , signature] = (await sign()).split('.');
      return `${header}.${b64(goodClaims({ sub: 'admin' }))}.${signature}`;
    },
  },
  {
    code: 'token_signature_invalid',
    what: 'no signature',
    token: async () => `${(await sign()).split('.').slice(0, 2).join('.')}.`,
  },
  { code: 'token_claim_type', what: 'no sub', token: () => sign({ sub: undefined }) },
  { code: 'token_claim_type', what: 'empty sub', token: () => sign({ sub: '' }) },
  { code: 'token_claim_type', what: 'a line break in sub', token: () => sign({ sub: 'job\n{"level":50}' }) },
  { code: 'token_claim_type', what: 'sub is a number', token: () => sign({ sub: 7 }) },
  { code: 'token_claim_type', what: 'no exp', token: () => sign({ exp: undefined }) },
  { code: 'token_claim_type', what: 'exp is text', token: () => sign({ exp: String(now + 300) }) },
  {
    code: 'token_claim_type',
    what: 'exp is beyond all calendars',
    token: () => raw(JSON.stringify(goodClaims()).replace(/"exp":\d+/, '"exp":1e308')),
  },
  { code: 'token_claim_type', what: 'no iat', token: () => sign({ iat: undefined }) },
  { code: 'token_claim_type', what: 'iat is true', token: () => sign({ iat: true }) },
  { code: 'token_claim_type', what: 'nbf is text', token: () => sign({ nbf: '1' }) },
  { code: 'token_claim_type', what: 'nbf is null', token: () => sign({ nbf: null }) },
  { code: 'token_claim_type', what: 'no aud', token: () => sign({ aud: undefined }) },
  { code: 'token_claim_type', what: 'aud is an object', token: () => sign({ aud: { 0: AUDIENCE } }) },
  { code: 'token_claim_type', what: 'aud has a number', token: () => sign({ aud: [AUDIENCE, 1] }) },
  { code: 'token_claim_type', what: 'azp is a list', token: () => sign({ azp: [AUDIENCE] }) },
  {
    code: 'token_audience_refused',
    what: 'another audience',
    token: () => sign({ aud: 'https://other.example' }),
  },
  { code: 'token_audience_refused', what: 'no audience in the list', token: () => sign({ aud: [] }) },
  { code: 'token_audience_refused', what: 'a longer audience', token: () => sign({ aud: `${AUDIENCE}/` }) },
  {
    code: 'token_audience_refused',
    what: 'one more audience',
    token: () => sign({ aud: [AUDIENCE, 'https://other.example'] }),
  },
  {
    code: 'token_audience_refused',
    what: 'an ID token for several that was issued to another client',
    token: () => sign({ aud: [AUDIENCE, 'other'], azp: 'other' }),
    issuer: { allowExtraAudiences: true, login: { clientId: 'cli', token: 'id_token' } },
  },
  { code: 'token_expired', what: 'expired', token: () => sign({ iat: now - 600, exp: now - 60 }) },
  {
    code: 'token_expired',
    what: 'expired just beyond the skew',
    token: () => sign({ iat: now - 600, exp: now - 30 }),
  },
  { code: 'token_not_yet_valid', what: 'nbf in the future', token: () => sign({ nbf: now + 31 }) },
  { code: 'token_not_yet_valid', what: 'issued in the future', token: () => sign({ iat: now + 31 }) },
  { code: 'token_too_old', what: 'issued too long ago', token: () => sign({ iat: now - 3_631 }) },
  {
    code: 'token_lifetime_refused',
    what: 'lives for too long',
    token: () => sign({ exp: now - 10 + 86_401 }),
  },
  {
    code: 'token_lifetime_refused',
    what: 'ends before it begins',
    token: () => sign({ iat: now, exp: now - 1 }),
  },
];

function b64(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

/** Another last character that decodes to the same bytes for a lenient decoder. */
function nextCharacter(character: string | undefined): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return alphabet[alphabet.indexOf(character ?? 'A') + 1] ?? 'B';
}

describe('a token is refused', () => {
  it.each(rows)('$code: $what', async ({ code, token, issuer, use }) => {
    const error = await refusal(await token(), issuer, use);
    expect(error.code).toBe(code);
    expect(error.detail ?? '').not.toMatch(/issuer\.example|job:build|evil/);
  });

  it('issuer_quota_exceeded: more than the issuer has a minute, and says when to come back', async () => {
    const { verifier, clock } = parts({ quotaPerMinute: 2 });
    const text = Secret.of(await sign());
    await verifier.verify(text, 'workload');
    await verifier.verify(text, 'workload');
    await expect(verifier.verify(text, 'workload')).rejects.toMatchObject({
      code: 'issuer_quota_exceeded',
      retryAfterSeconds: 30,
    });
    clock.advanceMs(30_000);
    await expect(verifier.verify(text, 'workload')).resolves.toBeDefined();
  });

  it('a forged token does not use up the quota', async () => {
    const { verifier } = parts({ quotaPerMinute: 1 });
    const forged = Secret.of(await signed(stranger, goodClaims()));
    for (let i = 0; i < 5; i += 1) await expect(verifier.verify(forged, 'workload')).rejects.toThrow();
    await expect(verifier.verify(Secret.of(await sign()), 'workload')).resolves.toBeDefined();
  });
});

describe('a token is accepted', () => {
  it('with all that a verified token says', async () => {
    const { verifier } = parts();
    const token = await verifier.verify(Secret.of(await sign({ run_id: 'r-7', step_id: 's' })), 'workload');
    expect(token).toMatchObject({
      issuerName: 'main',
      issuer: 'https://issuer.example',
      subject: 'job:build',
      audience: [AUDIENCE],
      issuedAt: new Date((now - 10) * 1_000),
      expiresAt: new Date((now + 300) * 1_000),
      platform: { runId: 'r-7', stepId: 's' },
    });
    expect(token.tokenHash).toHaveLength(32);
  });

  it.each([
    ['the audience in a list', { aud: [AUDIENCE] }, {}],
    ['more audiences where allowed', { aud: [AUDIENCE, 'other'] }, { allowExtraAudiences: true }],
    ['expired within the skew', { iat: now - 600, exp: now - 29 }, {}],
    ['from the future within the skew', { iat: now + 30, nbf: now + 30 }, {}],
    ['a time with a fraction', { iat: now - 10.5 }, {}],
  ])('%s', async (_, claims, issuer) => {
    await expect(
      parts(issuer).verifier.verify(Secret.of(await sign(claims)), 'workload'),
    ).resolves.toBeDefined();
  });

  it('without kid when only one key fits', async () => {
    await expect(
      parts().verifier.verify(Secret.of(await sign({}, { kid: undefined })), 'workload'),
    ).resolves.toBeDefined();
  });

  it('whatever jku says, and signed as RSA', async () => {
    const text = await signed(rsa, goodClaims(), { jku: 'https://evil.example', typ: 'at+jwt' });
    await expect(parts().verifier.verify(Secret.of(text), 'workload')).resolves.toBeDefined();
  });

  it('under one hash, however often its signature is made', async () => {
    const { verifier } = parts();
    const texts = await Promise.all([sign(), sign()]);
    expect(texts[0]).not.toBe(texts[1]);
    const [one, other] = await Promise.all(texts.map((text) => verifier.verify(Secret.of(text), 'workload')));
    expect(one?.tokenHash).toEqual(other?.tokenHash);
  });
});

describe('explain', () => {
  it('shows all that is wrong at once, and gives no token', async () => {
    const text = await signed(
      stranger,
      goodClaims({ aud: 'https://other.example', exp: now - 100, iat: now - 200 }),
    );
    const explanation = await parts().verifier.explain(Secret.of(text), 'workload');
    expect(explanation.ok).toBe(false);
    expect(explanation.token).toBeUndefined();
    expect(explanation.checks.filter((check) => !check.ok).map(({ check, code }) => [check, code])).toEqual([
      ['signature', 'token_signature_invalid'],
      ['audience', 'token_audience_refused'],
      ['expiry', 'token_expired'],
    ]);
    expect(JSON.stringify(explanation)).not.toContain(text.split('.')[1]);
  });

  it('ends where nothing can be built on', async () => {
    const explanation = await parts().verifier.explain(Secret.of('x'), 'workload');
    expect(explanation.checks).toEqual([
      { check: 'form', ok: false, code: 'token_malformed', detail: 'does not have three parts' },
    ]);
  });

  it('uses up no quota', async () => {
    const { verifier } = parts({ quotaPerMinute: 1 });
    const text = Secret.of(await sign());
    for (let i = 0; i < 3; i += 1) expect((await verifier.explain(text, 'workload')).ok).toBe(true);
    await expect(verifier.verify(text, 'workload')).resolves.toBeDefined();
  });
});
