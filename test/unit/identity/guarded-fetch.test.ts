import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LookupAddress } from 'node:dns';
import { GuardedFetch } from '../../../src/identity/guarded-fetch.js';
import { isPublicAddress, vettedLookup } from '../../../src/identity/vetted-lookup.js';
import { LocalServer } from './fixtures.js';

const guarded = { allowPrivateAddress: false, maxBytes: 1_000, timeoutMs: 20_000 };
const open = { ...guarded, allowPrivateAddress: true };

describe('isPublicAddress', () => {
  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '255.255.255.255',
    '224.0.0.1',
    '::',
    '::1',
    'fe80::1',
    'fc00::1',
    '::ffff:127.0.0.1',
    '::ffff:a9fe:a9fe',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    'not an address',
  ])('says no to %s', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  it.each(['1.1.1.1', '2606:4700:4700::1111', '::ffff:1.1.1.1'])('says yes to %s', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
});

describe('vettedLookup', () => {
  const answering =
    (...addresses: string[]) =>
    (_: string, __: object, callback: (error: null, found: LookupAddress[]) => void): void =>
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
  const ask = (lookup: ReturnType<typeof vettedLookup>, all: boolean): Promise<unknown> =>
    new Promise((resolve, reject) =>
      lookup('name.example', { all }, (error, found) => (error === null ? resolve(found) : reject(error))),
    );

  it('refuses a name that has private addresses only, and does not tell which', async () => {
    const lookup = vettedLookup(answering('10.0.0.1', '::1'));
    await expect(ask(lookup, true)).rejects.toThrow('name.example has no public address');
    await expect(ask(lookup, false)).rejects.toThrow('name.example has no public address');
  });

  it('hands the socket public addresses only', async () => {
    const lookup = vettedLookup(answering('127.0.0.1', '1.1.1.1', '::1'));
    expect(await ask(lookup, true)).toEqual([{ address: '1.1.1.1', family: 4 }]);
    expect(await ask(lookup, false)).toBe('1.1.1.1');
  });
});

describe('GuardedFetch', () => {
  let server: LocalServer;
  const fetch = new GuardedFetch();

  beforeEach(async () => {
    server = await new LocalServer().start();
    server.json('/here', { here: true });
  });
  afterEach(() => server.stop());

  it.each([
    ['url_refused', 'not a URL'],
    ['url_refused', 'http://issuer.example/keys'],
    ['url_refused', 'file:///etc/passwd'],
    ['url_refused', 'https://user:pass@issuer.example/'],
    ['address_refused', 'https://127.0.0.1:1/'],
    ['address_refused', 'https://2130706433/'],
    ['address_refused', 'https://0x7f.1/'],
    ['address_refused', 'https://[::1]:1/'],
    ['address_refused', 'https://[::ffff:127.0.0.1]/'],
    ['address_refused', 'https://169.254.169.254/latest/meta-data/'],
    ['address_refused', 'https://localhost:1/'],
  ])('refuses as %s: %s', async (fault, url) => {
    await expect(fetch.json(url, guarded)).rejects.toMatchObject({ name: 'GuardedFetchError', fault });
  });

  it('does not reuse for a guarded fetch what an open one has connected', async () => {
    expect(await fetch.json(`${server.url}/here`, open)).toEqual({ here: true });
    const url = server.url.replace('http', 'https');
    await expect(fetch.json(`${url}/here`, guarded)).rejects.toMatchObject({ fault: 'address_refused' });
  });

  it.each([
    ['status', '/missing', {}],
    ['status', '/moved', {}],
    ['too_large', '/large', {}],
    ['not_json', '/text', {}],
    ['timeout', '/slow', { timeoutMs: 50 }],
  ])('gives up as %s: %s', async (fault, path, limits) => {
    server.answers.set('/moved', (url) => ({ status: 301, headers: { location: `${url}/here` }, body: '' }));
    server.answers.set('/large', () => ({ body: `"${'x'.repeat(2_000)}"` }));
    server.answers.set('/text', () => ({ body: 'text' }));
    server.answers.set('/slow', () => ({ headers: { 'content-length': '100' }, body: '{' }));
    await expect(fetch.json(server.url + path, { ...open, ...limits })).rejects.toMatchObject({ fault });
    expect(server.hits).not.toContain('/here');
  });

  it('gives up as network: nobody listens', async () => {
    await server.stop();
    await expect(fetch.json(`${server.url}/here`, open)).rejects.toMatchObject({ fault: 'network' });
    server = await new LocalServer().start();
  });

  it('goes through no proxy, whatever the environment says', async () => {
    process.env['HTTP_PROXY'] = process.env['http_proxy'] = 'http://127.0.0.1:9';
    try {
      expect(await new GuardedFetch().json(`${server.url}/here`, open)).toEqual({ here: true });
    } finally {
      delete process.env['HTTP_PROXY'];
      delete process.env['http_proxy'];
    }
  });
});
