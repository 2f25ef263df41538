import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { vettedConnector } from '../../../../src/gateway/destination/connector.js';
import { outboundParts, textOf, type OutboundParts } from '../../../support/outbound-parts.js';
import { TestCa } from '../../../support/certificates.js';
import { startRawUpstream } from '../../../support/raw-upstream.js';
import { startUpstream, type UpstreamOptions } from '../../../support/upstream.js';

const NAME = 'api.provider.example';
const ca = new TestCa();
const other = new TestCa();
const dayMs = 86_400_000;
let parts: OutboundParts;

beforeEach(() => {
  parts = outboundParts();
  parts.resolver.answer(NAME, ['127.0.0.1']);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await parts.stop();
});

/** Calls an upstream by name, with its CA unless told. */
async function call(
  options: UpstreamOptions,
  how: { host?: string; systemCas?: boolean } = {},
): Promise<string> {
  const upstream = await startUpstream({ ca, ...options });
  upstream.json('GET', '/', 'reached');
  try {
    const url = new URL(`https://${how.host ?? NAME}:${upstream.port}/`);
    const answer = await parts.send({ url }, how.systemCas === true ? {} : { caFile: upstream.caFile });
    return await textOf(answer);
  } finally {
    await upstream.stop();
  }
}

describe('TLS', () => {
  it.each<[string, UpstreamOptions, { host?: string; systemCas?: boolean }?]>([
    ['another name', { names: ['other.example'] }],
    ['a name below', { names: [`x.${NAME}`] }],
    ['a wildcard of two levels', { names: ['*.example'] }],
    ['the address in place of the name', { names: ['127.0.0.1'] }],
    ['the name in place of the address', { names: [NAME] }, { host: '127.0.0.1' }],
    ['another address', { names: ['127.0.0.2'] }, { host: '127.0.0.1' }],
    ['a common name only', { certificate: ca.issue({ names: [NAME], commonNameOnly: true }) }],
    [
      'an expired one',
      { certificate: ca.issue({ names: [NAME], notAfter: new Date(Date.now() - dayMs / 2) }) },
    ],
    [
      'one of tomorrow',
      { certificate: ca.issue({ names: [NAME], notBefore: new Date(Date.now() + dayMs / 2) }) },
    ],
    ['one of another authority', { certificate: other.issue({ names: [NAME] }) }],
    ['a self-signed one', { certificate: TestCa.selfSigned({ names: [NAME] }) }],
    ['one of an authority that the system does not know', { names: [NAME] }, { systemCas: true }],
  ])('refuses a certificate: %s', async (_, options, how) => {
    // Node would be talked out of it by this.
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0');
    await expect(call(options, how)).rejects.toMatchObject({ code: 'upstream_tls_refused' });
  });

  it('refuses a server that does not speak it', async () => {
    const raw = await startRawUpstream(() => 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
    const plain = await startUpstream({ plain: true });
    try {
      await expect(
        parts.send({ url: new URL(plain.origin.replace('http:', 'https:')) }, { timeoutMs: 20_000 }),
      ).rejects.toMatchObject({ status: 502 });
      expect(plain.requests).toEqual([]);
    } finally {
      await plain.stop();
      await raw.stop();
    }
  });

  it('refuses a tool whose CA file is not there', async () => {
    const url = new URL('https://127.0.0.1:1/');
    await expect(parts.send({ url }, { caFile: '/nowhere/ca.pem' })).rejects.toMatchObject({
      code: 'upstream_tls_refused',
      internal: 'ca_file of the tool cannot be read',
    });
  });

  it.each<[string, UpstreamOptions, { host?: string }?]>([
    ['its name', { names: [NAME] }],
    ['a wildcard', { names: ['*.provider.example'] }],
    ['its address', { names: ['127.0.0.1'] }, { host: '127.0.0.1' }],
  ])('takes a certificate for %s', async (_, options, how) => {
    expect(await call(options, how)).toBe('"reached"');
  });
});

describe('vettedConnector', () => {
  it('lets go of a socket that ended up elsewhere', async () => {
    const raw = await startRawUpstream(() => '');
    // A name in place of an address is the one way to make a socket resolve by itself.
    const connect = vettedConnector({
      address: 'localhost',
      host: 'localhost',
      ca: undefined,
      client: undefined,
      timeoutMs: 20_000,
      wanted: () => true,
    });
    const ended = new Promise((resolve) =>
      connect({ protocol: 'http:', hostname: 'localhost', port: String(raw.port) }, (...ended) =>
        resolve(ended[0]),
      ),
    );
    expect(await ended).toMatchObject({ code: 'destination_refused' });
    await raw.stop();
  });
});
