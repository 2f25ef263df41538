import { randomBytes } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import passport from 'passport';
import Provider from 'oidc-provider';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportJWK, generateKeyPair } from 'jose';
import { Secret } from '../../../src/kernel/secret.js';
import { AdminStrategy } from '../../../src/identity/admin.strategy.js';
import { IssuerKeys } from '../../../src/identity/issuer-keys.js';
import { RunTokenStrategy } from '../../../src/identity/run-token.strategy.js';
import { RunTokens } from '../../../src/identity/run-tokens.js';
import { TokenVerifier } from '../../../src/identity/token-verifier.js';
import { WorkloadStrategy } from '../../../src/identity/workload.strategy.js';
import { freshDatabase, type TestDatabase } from '../../support/parts.js';
import { AUDIENCE, settingsWith } from '../../unit/identity/fixtures.js';
import { startReplica, type Replica } from './identity-world.js';

const SECRET = randomBytes(24).toString('base64url');
let server: Server;
let url: string;
let database: TestDatabase;
let replica: Replica;

beforeAll(async () => {
  server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const provider = await realProvider();
  const answer = provider.callback();
  server.on('request', (request, response) => void answer(request, response));
  database = await freshDatabase();
  const issuer = {
    name: 'real',
    url,
    audience: AUDIENCE,
    algorithms: ['RS256'],
    allowPrivateAddress: true,
    preset: 'gitlab-ci',
    usableFor: ['workload', 'admin'],
    roles: [{ role: 'operator', claims: { groups: 'sre' } }],
  };
  const settings = settingsWith([issuer], { database: { url: database.url, poolSize: 2 } });
  replica = await startReplica(settings, new Date());
});
afterAll(async () => {
  await replica.stop();
  await database.drop();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

async function realProvider(): Promise<Provider> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return new Provider(url, {
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'RS256', use: 'sig', kid: 'real-1' }] },
    clients: [
      {
        client_id: 'ci-runner',
        client_secret: SECRET,
        grant_types: ['client_credentials'],
        response_types: [],
        redirect_uris: [],
      },
    ],
    extraTokenClaims: () => ({ groups: ['dev', 'sre'], pipeline_id: '9', job_id: '10' }),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_: unknown, resource: string) => ({
          scope: 'lease',
          audience: resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: 300,
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  });
}

async function tokenFor(audience: string): Promise<string> {
  const response = await fetch(`${url}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`ci-runner:${SECRET}`).toString('base64')}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', resource: audience, scope: 'lease' }),
  });
  const body = (await response.json()) as { access_token: string };
  expect(response.status, JSON.stringify(body)).toBe(200);
  return body.access_token;
}

/** What passport makes of a request: an error, or a user. */
function authenticate(strategy: object, authorization: string | undefined): Promise<unknown> {
  const request = { headers: { authorization } };
  return new Promise((resolve, reject) => {
    const handler = passport.authenticate(
      Object.create(strategy) as passport.Strategy,
      { session: false },
      (error: Error | null, user: unknown) =>
        error === null || error === undefined ? resolve(user) : reject(error),
    ) as (request: object, response: object, next: (error?: Error) => void) => void;
    handler(request, {}, reject);
  });
}

describe('with a real provider', () => {
  it('a token for somebody else is refused', async () => {
    const verifier = replica.module.get(TokenVerifier);
    const text = Secret.of(await tokenFor('https://other.example'));
    await expect(verifier.verify(text, 'workload')).rejects.toMatchObject({ code: 'token_audience_refused' });
  });

  it('a token of it is verified by discovery, and drift from the preset is recorded', async () => {
    const verifier = replica.module.get(TokenVerifier);
    const token = await verifier.verify(Secret.of(await tokenFor(AUDIENCE)), 'workload');
    expect(token).toMatchObject({
      issuerName: 'real',
      issuer: url,
      subject: 'ci-runner',
      audience: [AUDIENCE],
      platform: { runId: '9', job: '10', stepId: '10' },
    });
    expect(await replica.module.get(IssuerKeys).check('real')).toEqual({ ok: true, ageSeconds: 0 });
    expect((await replica.events()).filter(({ kind }) => kind === 'issuer.preset_drift')).toMatchObject([
      { data: { issuer: 'real', preset: 'gitlab-ci', missing: ['project_id', 'namespace_id'] } },
    ]);
  });

  it('explain passes every check and names each', async () => {
    const explanation = await replica.module
      .get(TokenVerifier)
      .explain(Secret.of(await tokenFor(AUDIENCE)), 'admin');
    expect(explanation.ok).toBe(true);
    expect(explanation.checks.map(({ check }) => check)).toEqual([
      'form',
      'issuer',
      'header',
      'signature',
      'claim types',
      'audience',
      'authorized party',
      'expiry',
      'not before',
      'age',
      'lifetime',
    ]);
  });
});

describe('strategies', () => {
  it.each([
    ['workload', WorkloadStrategy],
    ['admin', AdminStrategy],
    ['run-token', RunTokenStrategy],
  ] as const)('%s refuses with a code, not with a challenge', async (_, strategy) => {
    const held = replica.module.get<object>(strategy);
    await expect(authenticate(held, undefined)).rejects.toMatchObject({ code: 'authentication_required' });
    await expect(authenticate(held, 'Bearer x')).rejects.toMatchObject({
      code: expect.stringMatching(/^(token_malformed|run_token_invalid)$/) as string,
    });
  });

  it('workload finds the token, admin the roles as well', async () => {
    const bearer = `Bearer ${await tokenFor(AUDIENCE)}`;
    await expect(authenticate(replica.module.get(WorkloadStrategy), bearer)).resolves.toMatchObject({
      subject: 'ci-runner',
    });
    await expect(authenticate(replica.module.get(AdminStrategy), bearer)).resolves.toMatchObject({
      token: { subject: 'ci-runner' },
      roles: ['operator'],
    });
  });

  it('run-token finds the run, and takes no token of a platform', async () => {
    const strategy = replica.module.get(RunTokenStrategy);
    await expect(authenticate(strategy, `Bearer ${await tokenFor(AUDIENCE)}`)).rejects.toMatchObject({
      code: 'run_token_invalid',
    });
    const until = new Date(replica.clock.now().getTime() + 60_000);
    const { token } = await replica.module.get(RunTokens).mint(
      {
        runRef: 'ref',
        runId: 'run',
        stepId: 'step',
        grantId: 'id',
        grantName: 'grant',
        grantVersion: 1,
        issuer: url,
        subject: 'ci-runner',
        scope: [],
      },
      until,
    );
    await expect(authenticate(strategy, `Bearer ${token.expose()}`)).resolves.toMatchObject({ runId: 'run' });
  });
});
