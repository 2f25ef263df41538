import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose';
import { afterAll, describe, expect, it } from 'vitest';
import { ProofKey } from '../../../src/sdk/proof-key.js';
import { secretData } from '../../../src/sdk/secret-data.js';
import {
  environmentToken,
  commandToken,
  fileToken,
  githubActionsToken,
  platformTokenSource,
} from '../../../src/sdk/token-sources.js';
import { scriptedServer } from './scripted-server.js';

const folder = mkdtempSync(join(tmpdir(), 'leasegate-sdk-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('token sources', () => {
  it.each(['', '  \n', undefined])('has no token in %j', async (value) => {
    await expect(environmentToken('T', { T: value })()).rejects.toMatchObject({ code: 'identity_missing' });
  });

  it.each(['two words', 'x'.repeat(70_000)])('takes no token that is none', async (value) => {
    const failure = environmentToken('T', { T: value })();
    await expect(failure).rejects.toMatchObject({ code: 'identity_source_failed' });
    await expect(failure).rejects.not.toThrow(value);
  });

  it('names the file that cannot be read', async () => {
    await expect(fileToken(join(folder, 'none'))()).rejects.toThrow(/none cannot be read \(ENOENT\)/);
  });

  it('reads the file each time, since the platform rotates it', async () => {
    const file = join(folder, 'token');
    const source = fileToken(file);
    writeFileSync(file, 'one\n');
    expect(await source()).toBe('one');
    writeFileSync(file, 'two\n');
    expect(await source()).toBe('two');
  });

  it.each([
    ['exit 3', /exit code 3/],
    ['kill -KILL $$', /SIGKILL/],
    ['true', /no token/],
    ['echo one two', /not a token/],
  ])('takes nothing from the command %s', async (command, reason) => {
    const failure = commandToken(`printf marker-7 >&2; ${command}`)();
    await expect(failure).rejects.toThrow(reason);
    await expect(failure).rejects.not.toThrow(/marker-7/);
  });

  it('runs the command each time, in the environment given', async () => {
    const source = platformTokenSource('https://x', {
      PATH: process.env['PATH'],
      LEASEGATE_OIDC_TOKEN_COMMAND: 'printf "%s" "$WHO" | tr a-z A-Z',
      WHO: 'token',
    });
    expect(await source?.()).toBe('TOKEN');
    const stopped = new AbortController();
    const waiting = commandToken('sleep 60')(stopped.signal);
    stopped.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow('enough');
  });

  it('asks GitHub for a token for the broker', async () => {
    const server = await scriptedServer({ status: 200, body: { value: 'a.b.c' } }, { status: 403, body: {} });
    const environment = {
      ACTIONS_ID_TOKEN_REQUEST_URL: `${server.url}/token?api-version=2`,
      ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'request-token',
    };
    const source = githubActionsToken('https://leasegate.example', environment);
    expect(await source()).toBe('a.b.c');
    expect(server.received[0]?.path).toBe('/token?api-version=2&audience=https%3A%2F%2Fleasegate.example');
    expect(server.received[0]?.headers.authorization).toBe('Bearer request-token');
    await expect(source()).rejects.toMatchObject({ code: 'identity_source_failed' });
    await server.close();
  });

  it('takes what the environment offers, the variable before the file', async () => {
    expect(platformTokenSource('https://x', {})).toBeUndefined();
    const both = { LEASEGATE_OIDC_TOKEN: 'from-variable', LEASEGATE_OIDC_TOKEN_FILE: '/nowhere' };
    expect(await platformTokenSource('https://x', both)?.()).toBe('from-variable');
  });
});

describe('ProofKey', () => {
  it('makes a proof that verifies, for this request and token only', async () => {
    const key = await ProofKey.generate();
    const nowMs = Date.now();
    const url = new URL('https://leasegate.example/v1/leases?x=1#y');
    const proof = await key.proof({ method: 'POST', url, nowMs, accessToken: 'token' });
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
      typ: 'dpop+jwt',
      algorithms: ['ES256'],
    });
    expect(payload).toMatchObject({
      htm: 'POST',
      htu: 'https://leasegate.example/v1/leases',
      iat: Math.floor(nowMs / 1000),
      // echo -n token | sha256sum, as base64url (RFC 9449 §4.2).
      ath: 'PEaenWxYddN6Q_NT1PiOYfz4EsZu7jRXRlpAsNpBU-A',
    });
    expect(protectedHeader.jwk).not.toHaveProperty('d');
    expect(await calculateJwkThumbprint(protectedHeader.jwk ?? {})).toBe(key.thumbprint);
    const again = await key.proof({ method: 'POST', url, nowMs });
    expect((await jwtVerify(again, EmbeddedJWK)).payload['jti']).not.toBe(payload['jti']);
  });
});

describe('secretData', () => {
  const data = secretData({ username: 'u', password: 'marker-7' });
  it('hides values from everything that prints the whole', () => {
    for (const text of [
      inspect(data),
      inspect({ deep: { data } }),
      JSON.stringify({ data }),
      // eslint-disable-next-line @typescript-eslint/no-base-to-string -- that it does not stringify as usual is the point
      String(data),
    ]) {
      expect(text).toContain('[secret: username, password]');
      expect(text).not.toContain('marker-7');
    }
  });
  it('gives values to whoever names them', () => {
    expect(data['password']).toBe('marker-7');
    expect({ ...data }).toEqual({ username: 'u', password: 'marker-7' });
    expect(Object.keys(data)).toEqual(['username', 'password']);
  });
});
