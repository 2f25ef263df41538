import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { until } from '../../support/until.js';
import { startWorld, type World } from '../../support/world.js';
import { compileCli, type CompiledCli } from '../../unit/cli/compiled-cli.js';
import { start, type Ended } from './program.js';

// Each command is a process, and the machine may be busy.
vi.setConfig({ testTimeout: 240_000 });

let world: World;
let cli: CompiledCli;
const folder = mkdtempSync(join(tmpdir(), 'leasegate-people-'));
const environment = (): Record<string, string> => ({ LEASEGATE_URL: world.baseUrl, XDG_CONFIG_HOME: folder });
const run = (words: readonly string[]): Promise<Ended> => start(cli, words, environment()).ended();

beforeAll(async () => {
  cli = compileCli();
  world = await startWorld({ seed: false });
});
afterAll(async () => {
  cli.remove();
  rmSync(folder, { recursive: true });
  await world.stop();
});

/** A browser: follows redirects, keeps cookies, fills in the form of the issuer. */
async function browse(address: string, roles: readonly string[]): Promise<string> {
  const cookies = new Map<string, string>();
  const visit = async (url: URL, form?: URLSearchParams): Promise<{ url: URL; text: string }> => {
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(form && { method: 'POST', body: form }),
    });
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
      cookies.set(name, value);
    }
    const location = response.headers.get('location');
    return location === null ? { url, text: await response.text() } : visit(new URL(location, url));
  };
  const page = await visit(new URL(address));
  const form = new URLSearchParams([
    ['subject', 'alice'],
    ...roles.map((role) => ['role', role] as [string, string]),
  ]);
  return (await visit(page.url, form)).text;
}

async function logIn(roles: readonly string[]): Promise<{ ended: Ended; page: string }> {
  const login = start(cli, ['login', '--no-browser', '--json'], environment());
  const address = await until(() => /^(http\S+response_type=code\S*)$/m.exec(login.stderr)?.[1]);
  const page = await browse(address, roles);
  return { ended: await login.ended(), page };
}

it('keeps no login of somebody who has no role', async () => {
  const { ended } = await logIn([]);
  expect(ended.exitCode).toBe(1);
  expect(ended.stderr).toContain('role_required');
  expect((await run(['whoami'])).stderr).toContain('Nobody is logged in');
});

it('refuses an issuer that the broker does not have', async () => {
  const { exitCode, stderr } = await run(['login', '--issuer', 'other']);
  expect([exitCode, stderr]).toEqual([2, expect.stringContaining('it takes them from: dev')]);
});

it('gives up when nobody comes', async () => {
  const { exitCode, stderr } = await run(['login', '--no-browser', '--timeout', '1']);
  expect([exitCode, stderr]).toEqual([1, expect.stringContaining('login_timeout')]);
});

it('asks with PKCE, state, nonce and a loopback address', async () => {
  const login = start(cli, ['login', '--no-browser'], environment());
  const address = new URL(await until(() => /^(http\S+response_type=code\S*)$/m.exec(login.stderr)?.[1]));
  expect(Object.fromEntries(address.searchParams)).toMatchObject({
    code_challenge_method: 'S256',
    redirect_uri: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/callback$/) as string,
    state: expect.stringMatching(/.{40}/) as string,
    nonce: expect.stringMatching(/.{40}/) as string,
  });
  login.child.kill();
  await login.ended();
});

it('logs in, keeps the token for this user alone, and forgets it again', async () => {
  const { ended, page } = await logIn(['admin', 'auditor']);
  expect(ended.exitCode, ended.stderr).toBe(0);
  expect(page).toContain('you can close this window');
  expect(JSON.parse(ended.stdout)).toMatchObject({
    issuer: 'dev',
    subject: 'alice',
    roles: ['admin', 'auditor'],
  });
  const file = join(folder, 'leasegate/logins.json');
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const [login] = Object.values(JSON.parse(readFileSync(file, 'utf8')) as Record<string, { token: string }>);
  expect(ended.stderr + ended.stdout).not.toContain(login?.token);
  expect((await run(['grant', 'list', '--json'])).exitCode).toBe(0);
  const out = await run(['logout', '--json']);
  expect([out.exitCode, JSON.parse(out.stdout)]).toMatchObject([0, { logged_out: true }]);
  expect(readFileSync(file, 'utf8')).toBe('{}');
  expect((await run(['whoami'])).exitCode).toBe(1);
});
