import { createHash } from 'node:crypto';
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { leaseView } from '../../../src/api/view/lease-view.js';
import { runEndView } from '../../../src/api/view/run-view.js';
import { issuedLeaseView } from '../../../src/api/worker/worker-schema.js';
import type { ApiAnswer } from '../../support/api-call.js';
import { startWorld, type World } from '../../support/world.js';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.stop());

function lease(
  token: string,
  body: Record<string, unknown> = { credential: 'orders-readonly' },
): Promise<ApiAnswer> {
  return world.call('POST', '/v1/leases', { token, body });
}

function idOf({ body }: ApiAnswer): string {
  return (body as { lease: { id: string } }).lease.id;
}

describe('a worker is refused', () => {
  it('what its grant does not name, in ways that it does not allow', async () => {
    const token = await world.runToken({ runId: 'refused' });
    const cases = [
      [{ credential: 'no-such-thing' }, 403, 'credential_not_granted'],
      [{ credential: 'payments-api', delivery: 'wrapped' }, 403, 'delivery_refused'],
      [{ credential: 'orders-readonly', ttl_seconds: 86_400 }, 422, 'ttl_refused'],
    ] as const;
    for (const [body, status, code] of cases)
      expect(await lease(token, body), code).toMatchObject({ status, body: { code } });
  });

  it('another run’s lease, as if it did not exist', async () => {
    const mine = await world.runToken({ runId: 'mine' });
    const theirs = await world.runToken({ runId: 'theirs' });
    const id = idOf(await lease(theirs));
    for (const [method, path] of [
      ['POST', `/v1/leases/${id}/renew`],
      ['DELETE', `/v1/leases/${id}`],
    ] as const)
      expect(await world.call(method, path, { token: mine })).toMatchObject({
        status: 404,
        body: { code: 'not_found' },
      });
    expect((await world.call('DELETE', `/v1/leases/${id}`, { token: theirs })).status).toBe(200);
  });

  it('anything once its run is closed', async () => {
    const token = await world.runToken({ runId: 'closed' });
    const id = idOf(await lease(token));
    await world.call('DELETE', '/v1/runs/self', { token });
    expect(await lease(token)).toMatchObject({ status: 403, body: { code: 'run_closed' } });
    expect((await world.call('POST', `/v1/leases/${id}/renew`, { token })).status).toBeGreaterThanOrEqual(
      400,
    );
  });
});

describe('a worker', () => {
  it('leases, renews, and closes its run; each answer is as it is documented', async () => {
    const token = await world.runToken({ runId: 'story', stepId: 'load' });
    const issued = await lease(token, { credential: 'orders-readonly', ttl_seconds: 60 });
    expect(issued.status).toBe(201);
    expect(issued.headers.get('cache-control')).toBe('no-store');
    const view = issuedLeaseView.parse(issued.body);
    expect(view.credential).toMatchObject({
      username: expect.any(String) as string,
      password: expect.any(String) as string,
    });
    expect(view.lease).toMatchObject({
      run_id: 'story',
      step_id: 'load',
      state: 'active',
      grant: 'nightly-orders',
    });
    const renewed = await world.call('POST', `/v1/leases/${view.lease.id}/renew`, {
      token,
      body: { ttl_seconds: 120 },
    });
    const after = leaseView.parse((renewed.body as { lease: unknown }).lease);
    expect(after.renewals).toBe(1);
    expect(Date.parse(after.expires_at)).toBeGreaterThan(Date.parse(view.lease.expires_at));
    const own = await world.call('GET', '/v1/runs/self', { token });
    expect(own.body).toMatchObject({
      run: { run_id: 'story', state: 'open' },
      leases: [{ id: view.lease.id }],
    });
    const closed = await world.call('DELETE', '/v1/runs/self', { token });
    expect(runEndView.parse(closed.body)).toMatchObject({
      run: { state: 'closed' },
      leases: 1,
      proved: 1,
      outstanding: 0,
    });
    expect(await world.targetUsers()).not.toContain((view.credential as { username: string }).username);
  });

  it('releases a lease, and sees the proof', async () => {
    const token = await world.runToken({ runId: 'released' });
    const id = idOf(await lease(token));
    const released = await world.call('DELETE', `/v1/leases/${id}`, { token });
    expect(released).toMatchObject({
      status: 200,
      body: { lease: { state: 'revoked', revoke_cause: 'released' } },
    });
  });

  it('gets a wrapped credential that only Vault can open, and a static one that says so', async () => {
    const token = await world.runToken({ runId: 'kinds' });
    const wrapped = await lease(token, { credential: 'orders-readonly', delivery: 'wrapped' });
    expect(wrapped.body).not.toHaveProperty('credential');
    expect(wrapped.body).toMatchObject({ wrapping: { vault_address: world.vault.address } });
    const fixed = await lease(token, { credential: 'payments-api' });
    expect(fixed.body).toMatchObject({
      lease: { revocable: false, kind: 'kv' },
      credential: { api_key: expect.any(String) as string },
    });
    await world.call('DELETE', '/v1/runs/self', { token });
  });

  it('leaves no secret in any log line, row or event', async () => {
    const token = await world.runToken({ runId: 'secrets' });
    const secrets = [token, await world.workerToken()];
    for (const body of [
      { credential: 'orders-readonly' },
      { credential: 'payments-api' },
      { credential: 'internal-tls' },
      { credential: 'orders-readonly', delivery: 'wrapped' },
    ]) {
      const { credential, wrapping } = (await lease(token, body)).body as {
        credential?: Record<string, string>;
        wrapping?: { token: string };
      };
      secrets.push(
        ...[
          credential?.['password'],
          credential?.['api_key'],
          credential?.['private_key'],
          wrapping?.token,
        ].filter((one) => one !== undefined),
      );
    }
    expect(secrets).toHaveLength(6);
    await world.call('DELETE', '/v1/runs/self', { token });
    const tables = await world.query<{ name: string }>(
      `SELECT quote_ident(table_name) AS name FROM information_schema.tables WHERE table_schema = 'public'`,
    );
    let written = world.log;
    for (const { name } of tables) {
      const rows = await world.query<{ text: string }>(`SELECT t::text AS text FROM ${name} t`);
      written += rows.map(({ text }) => text).join('\n');
    }
    for (const { leaf } of await world.query<{ leaf: Buffer }>(
      'SELECT leaf FROM audit_entry UNION ALL SELECT leaf FROM audit_inbox',
    ))
      written += leaf.toString('utf8');
    expect(written).toContain('secrets');
    const found = secrets.filter(
      (secret) => written.includes(secret) || written.includes(JSON.stringify(secret).slice(1, -1)),
    );
    expect(found).toEqual([]);
  });
});

describe('a token that is bound to a key', () => {
  let key: CryptoKey;
  let jwk: JWK;
  let bound: string;
  let uses = 0;

  async function proof(
    method: string,
    path: string,
    token?: string,
    by: CryptoKey = key,
    as: JWK = jwk,
  ): Promise<string> {
    uses += 1;
    const ath = token === undefined ? {} : { ath: createHash('sha256').update(token).digest('base64url') };
    return new SignJWT({ htm: method, htu: `${world.baseUrl}${path}`, jti: `proof-${uses}`, ...ath })
      .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk: as })
      .setIssuedAt()
      .sign(by);
  }

  function read(authorization: string, dpop?: string): Promise<ApiAnswer> {
    return world.call('GET', '/v1/runs/self', {
      headers: { authorization, ...(dpop === undefined ? {} : { dpop }) },
    });
  }

  beforeAll(async () => {
    const pair = await generateKeyPair('ES256', { extractable: true });
    key = pair.privateKey;
    jwk = await exportJWK(pair.publicKey);
    const { body } = await world.call('POST', '/oauth2/token', {
      form: {
        grant_type: 'urn:ietf:params:oauth:grant-type:token-exchange',
        subject_token: await world.workerToken(),
        subject_token_type: 'urn:ietf:params:oauth:token-type:jwt',
        run_id: 'bound',
        step_id: 's',
      },
      headers: { dpop: await proof('POST', '/oauth2/token') },
    });
    expect(body).toMatchObject({ token_type: 'DPoP' });
    bound = (body as { access_token: string }).access_token;
  });

  it('is refused as a bearer token, without a proof, and with another key’s', async () => {
    expect(await read(`Bearer ${bound}`)).toMatchObject({ status: 401, body: { code: 'proof_required' } });
    const without = await read(`DPoP ${bound}`);
    expect(without).toMatchObject({ status: 401, body: { code: 'proof_required' } });
    expect(without.headers.get('www-authenticate')).toMatch(/^DPoP /);
    const other = await generateKeyPair('ES256', { extractable: true });
    const foreign = await proof(
      'GET',
      '/v1/runs/self',
      bound,
      other.privateKey,
      await exportJWK(other.publicKey),
    );
    expect(await read(`DPoP ${bound}`, foreign)).toMatchObject({
      status: 401,
      body: { code: 'proof_invalid' },
    });
  });

  it('is refused with a proof for another request, and with one that was used', async () => {
    expect(await read(`DPoP ${bound}`, await proof('POST', '/v1/runs/self', bound))).toMatchObject({
      status: 401,
    });
    expect(await read(`DPoP ${bound}`, await proof('GET', '/v1/leases', bound))).toMatchObject({
      status: 401,
    });
    expect(await read(`DPoP ${bound}`, await proof('GET', '/v1/runs/self'))).toMatchObject({ status: 401 });
    const once = await proof('GET', '/v1/runs/self', bound);
    expect((await read(`DPoP ${bound}`, once)).status).toBe(200);
    expect(await read(`DPoP ${bound}`, once)).toMatchObject({ status: 401, body: { code: 'proof_invalid' } });
  });
});
