import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { loggedInToken } from '../../../src/cli/login/logged-in.js';
import { listenOnLoopback, type Loopback } from '../../../src/cli/login/loopback.js';
import { TokenCache, type Login } from '../../../src/cli/login/token-cache.js';

const folder = mkdtempSync(join(tmpdir(), 'leasegate-login-'));
afterAll(() => rmSync(folder, { recursive: true }));

const BROKER = new URL('https://leasegate.example/base/');
const LOGIN: Login = {
  issuerName: 'people',
  issuer: 'https://issuer.example',
  clientId: 'cli',
  scope: 'openid',
  bearer: 'access_token',
  token: 'the-token',
};

describe('TokenCache', () => {
  const environment = { XDG_CONFIG_HOME: join(folder, 'config') };

  it('has nothing at first', async () => {
    expect(await new TokenCache(environment).get(BROKER)).toBeUndefined();
    await expect(loggedInToken(BROKER, environment)).rejects.toMatchObject({
      code: 'authentication_required',
    });
  });

  it('refuses a damaged file, by its name', async () => {
    const damaged = { XDG_CONFIG_HOME: join(folder, 'damaged') };
    const cache = new TokenCache(damaged);
    await cache.set(BROKER, LOGIN);
    writeFileSync(cache.path, '{"https://leasegate.example/base":{"token":"the-tok');
    await expect(cache.get(BROKER)).rejects.toMatchObject({ code: 'login_file_damaged' });
    await expect(cache.get(BROKER)).rejects.not.toThrow('the-tok');
  });

  it('keeps one login a broker, in a file for this user alone', async () => {
    const cache = new TokenCache(environment);
    const other = new URL('http://127.0.0.1:8480');
    await cache.set(BROKER, LOGIN);
    await cache.set(other, { ...LOGIN, token: 'other' });
    expect(statSync(cache.path).mode & 0o777).toBe(0o600);
    expect(await loggedInToken(new URL('https://leasegate.example/base'), environment)).toBe('the-token');
    await cache.set(BROKER, undefined);
    expect(readFileSync(cache.path, 'utf8')).not.toContain('the-token');
    expect((await cache.get(other))?.token).toBe('other');
  });

  it('narrows a file that others could read when it writes again', async () => {
    const cache = new TokenCache(environment);
    await cache.set(BROKER, LOGIN);
    chmodSync(cache.path, 0o644);
    await cache.set(BROKER, LOGIN);
    expect(statSync(cache.path).mode & 0o777).toBe(0o600);
  });

  it('uses no login that has expired and cannot be refreshed', async () => {
    await new TokenCache(environment).set(BROKER, { ...LOGIN, expiresAtMs: Date.now() + 1_000 });
    await expect(loggedInToken(BROKER, environment)).rejects.toThrow('has expired');
  });

  it('ignores a relative configuration folder', () => {
    expect(new TokenCache({ XDG_CONFIG_HOME: 'here', HOME: '/home/x' }).path).toBe(
      '/home/x/.config/leasegate/logins.json',
    );
  });
});

describe('the loopback listener', () => {
  let loopback: Loopback;
  afterEach(() => loopback.close());

  it('takes nothing but the answer that carries the state', async () => {
    loopback = await listenOnLoopback();
    const statusOf = async (url: string, init?: RequestInit): Promise<number> =>
      (await fetch(url, init)).status;
    expect(await statusOf(`${loopback.redirectUri}?state=s1&code=c`)).toBe(400);
    const answer = loopback.answer('s1', 10_000);
    expect(await statusOf(loopback.redirectUri.replace('/callback', '/'))).toBe(404);
    expect(await statusOf(`${loopback.redirectUri}?code=c`)).toBe(400);
    expect(await statusOf(`${loopback.redirectUri}?state=s2&code=c`)).toBe(400);
    expect(await statusOf(`${loopback.redirectUri}?state=s1&code=c`, { method: 'POST' })).toBe(404);
    expect(
      await statusOf(`${loopback.redirectUri.replace('127.0.0.1', 'localhost')}?state=s1&code=stolen`).catch(
        () => 400,
      ),
    ).toBe(400);
    expect(await statusOf(`${loopback.redirectUri}?state=s1&code=good`)).toBe(200);
    expect((await answer).searchParams.get('code')).toBe('good');
  });

  it('gives up after a while', async () => {
    loopback = await listenOnLoopback();
    await expect(loopback.answer('s', 10)).rejects.toMatchObject({ code: 'login_timeout' });
  });
});
