import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadSettings, settingsFrom } from '../../../src/settings/load.js';
import type { Settings } from '../../../src/settings/schema.js';
import { SettingsError } from '../../../src/settings/settings-error.js';

const MARK = 'marker-that-no-error-may-show';
const MINIMUM = {
  database: { url: 'postgres://db.example/leasegate' },
  vault: {
    address: 'https://vault.example',
    login: { method: 'approle', roleId: 'role', secretId: 'secret' },
  },
  issuers: [{ name: 'ci', url: 'https://issuer.example', audience: 'leasegate' }],
  audit: { hmacKey: 'key' },
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'leasegate-settings-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(content: string, name = 'settings.yaml'): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function load(environment: Record<string, string>, base: unknown = MINIMUM): Settings {
  return loadSettings({ file: file(JSON.stringify(base)), environment });
}

function refusal(start: () => unknown): SettingsError {
  try {
    start();
  } catch (error) {
    if (error instanceof SettingsError) return error;
    throw error;
  }
  throw new Error('the settings were taken');
}

describe('settings that are refused', () => {
  it.each([
    ['a key of the file', {}, { ...MINIMUM, databse: 1 }, 'databse'],
    ['a nested key of the file', {}, { ...MINIMUM, server: { prot: 1 } }, 'server.prot'],
    ['a variable', { LEASEGATE_DATABSE__URL: MARK }, MINIMUM, 'LEASEGATE_DATABSE__URL'],
    ['a variable of one level', { LEASEGATE_DEBUG: MARK }, MINIMUM, 'LEASEGATE_DEBUG'],
    ['a variable below a leaf', { LEASEGATE_DATABASE__URL__X: MARK }, MINIMUM, 'LEASEGATE_DATABASE__URL__X'],
    ['a variable below a prototype', { LEASEGATE___PROTO____X: MARK }, MINIMUM, 'LEASEGATE___PROTO____X'],
    [
      'a file for what is no secret',
      { LEASEGATE_SERVER__HOST_FILE: MARK },
      MINIMUM,
      'LEASEGATE_SERVER__HOST_FILE',
    ],
  ])('%s that is not known', (_, environment, base, key) => {
    const error = refusal(() => load(environment, base));
    expect(error.problems).toEqual([{ key, problem: 'is not a setting' }]);
  });

  it.each([
    ['a number that is none', { LEASEGATE_DATABASE__POOL_SIZE: MARK }, 'LEASEGATE_DATABASE__POOL_SIZE'],
    ['a flag that is none', { LEASEGATE_SERVER__TRUST_PROXY: MARK }, 'LEASEGATE_SERVER__TRUST_PROXY'],
    ['a list that is no JSON', { LEASEGATE_ISSUERS: MARK }, 'LEASEGATE_ISSUERS'],
    ['a number out of range', { LEASEGATE_SERVER__PORT: '70000' }, 'server.port'],
    ['a word that is no choice', { LEASEGATE_REVOCATION: MARK }, 'leases.revocation'],
    ['a role that does not exist', { LEASEGATE_ROLES: `api,${MARK}` }, 'roles.1'],
    [
      'a secret file that is not there',
      { LEASEGATE_AUDIT__HMAC_KEY_FILE: MARK },
      'LEASEGATE_AUDIT__HMAC_KEY_FILE',
    ],
    ['an address that is none', { LEASEGATE_VAULT__ADDRESS: MARK }, 'vault.address'],
  ])('%s, by key and never by value', (_, environment, key) => {
    const error = refusal(() => load(environment));
    expect(error.problems.map((problem) => problem.key)).toContain(key);
    expect(inspect(error, { depth: 9 })).not.toContain(MARK);
  });

  it('names everything that is missing, at once', () => {
    const error = refusal(() => loadSettings({ environment: {} }));
    expect(error.problems.map(({ key }) => key)).toEqual(
      expect.arrayContaining(['database', 'vault', 'issuers', 'audit']),
    );
  });

  it.each([
    ['text that is no YAML', `database: { url: ${MARK}`],
    ['a key twice', `audit: { hmacKey: ${MARK} }\naudit: { hmacKey: ${MARK} }`],
    ['a list', `- ${MARK}`],
    ['an alias', `audit: &a { hmacKey: ${MARK} }\nserver: *a`],
  ])('a file that is %s, without quoting it', (_, content) => {
    const error = refusal(() => loadSettings({ file: file(content, 'bad.yaml'), environment: {} }));
    expect(error.problems[0]?.key).toContain('bad.yaml');
    expect(error.message).not.toContain(MARK);
  });

  it('a file that is not there', () => {
    expect(
      refusal(() => loadSettings({ file: join(folder, 'none.yaml'), environment: {} })).message,
    ).toContain('cannot be read');
  });

  it('two issuers with one name, and plain http without leave', () => {
    const [issuer] = MINIMUM.issuers;
    const issuers = [issuer, { ...issuer, url: 'http://other.example' }];
    expect(refusal(() => settingsFrom({ ...MINIMUM, issuers })).problems.map(({ key }) => key)).toEqual(
      expect.arrayContaining(['issuers.1', 'issuers.1.url']),
    );
  });
});

describe('settings that are taken', () => {
  it('come from the file, and from the environment over it', () => {
    const { values } = load({
      DATABASE_URL: 'postgres://other.example/x',
      LEASEGATE_DATABASE__POOL_SIZE: '7',
      LEASEGATE_VAULT__LOGIN__ROLE_ID: 'other-role',
      LEASEGATE_SERVER__TRUST_PROXY: 'true',
      LEASEGATE_ROLES: 'api, scheduler',
      LEASEGATE_REVOCATION: 'hold',
      LEASEGATE_ISSUERS: JSON.stringify([{ ...MINIMUM.issuers[0], name: 'other' }]),
    });
    expect(values.database.url.expose()).toBe('postgres://other.example/x');
    expect(values.database.poolSize).toBe(7);
    expect(values.vault.login).toMatchObject({ method: 'approle', roleId: 'other-role' });
    expect(values.server.trustProxy).toBe(true);
    expect(values.roles).toEqual(['api', 'scheduler']);
    expect(values.leases.revocation).toBe('hold');
    expect(values.issuers[0]?.name).toBe('other');
  });

  it('read a secret from a file, without its last line end', () => {
    const { values } = load({ LEASEGATE_AUDIT__HMAC_KEY_FILE: file('from-a-file\n', 'hmac') });
    expect(values.audit.hmacKey.expose()).toBe('from-a-file');
  });

  it('keep a setting apart that ends in FILE itself', () => {
    const login = { method: 'approle', roleId: 'role' };
    const { values } = load(
      { LEASEGATE_VAULT__LOGIN__SECRET_ID_FILE: '/run/secret' },
      { ...MINIMUM, vault: { ...MINIMUM.vault, login } },
    );
    expect(values.vault.login).toMatchObject({ secretIdFile: '/run/secret' });
  });

  it.each([
    'LEASEGATE_URL',
    'LEASEGATE_TOKEN',
    'LEASEGATE_RUN_ID',
    'LEASEGATE_VAULT_BIN',
    'LEASEGATE_CONFIG',
    'PATH',
  ])('leave %s to others', (name) => {
    expect(() => load({ [name]: 'something' })).not.toThrow();
  });

  it('cannot be changed, and hide their secrets', () => {
    const { values } = load({ LEASEGATE_AUDIT__HMAC_KEY: MARK });
    expect(() => Object.assign(values.server, { port: 1 })).toThrow(TypeError);
    expect(() => values.issuers.push(values.issuers[0] as never)).toThrow(TypeError);
    expect(JSON.stringify(values) + inspect(values, { depth: 9 })).not.toContain(MARK);
  });
});
