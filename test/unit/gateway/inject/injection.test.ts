import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { Injection } from '../../../../src/gateway/inject/injection.js';
import { preview } from '../../../../src/gateway/inject/preview.js';
import { BrokerError } from '../../../../src/kernel/broker-error.js';
import { heldWith, NOW, outbound, way } from './samples.js';

const injection = new Injection({} as never);
const URL_TEXT = 'https://api.example.com/v1/things?kind=a%20b';

async function refusal(work: Promise<unknown>): Promise<BrokerError> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof BrokerError)) throw new Error('it was not refused');
  return error;
}

describe('a credential is unusable, and the refusal says nothing of its value', () => {
  it.each([
    ['a field that is not there', { as: 'bearer', field: 'token' }, { api_key: 'hunter2-hunter2' }],
    ['an empty field', { as: 'bearer' }, { api_key: '' }],
    ['a number', { as: 'bearer' }, { api_key: 1_234_567 }],
    ['a member of the prototype', { as: 'bearer', field: 'constructor' }, {}],
    ['a line break at the end', { as: 'bearer' }, { api_key: 'hunter2-hunter2\n' }],
    ['a header in the value', { as: 'header', name: 'x-key' }, { api_key: 'hunter2\r\nhost: evil.example' }],
    ['a NUL', { as: 'header', name: 'x-key' }, { api_key: 'hunter2\0' }],
    ['a letter that no header carries', { as: 'bearer' }, { api_key: 'hunter2-ü' }],
    ['a colon in the user name', { as: 'basic' }, { username: 'hunter2:x', password: 'hunter2' }],
    [
      'a line break in an AWS key',
      { as: 'aws-sigv4', service: 's3', region: 'r' },
      { access_key: 'a', secret_key: 'hunter2\n' },
    ],
    ['no PEM', { as: 'client-certificate' }, { certificate: 'hunter2', private_key: 'hunter2' }],
  ])('%s', async (_what, inject, data) => {
    const error = await refusal(injection.inject(outbound(URL_TEXT), way(inject), heldWith(data), NOW));
    expect(error).toMatchObject({ code: 'credential_unusable', status: 502 });
    expect(`${error.message} ${error.detail ?? ''}`).not.toContain('hunter2');
  });

  it('when its lease has ended', async () => {
    const held = heldWith({ api_key: 'a key' });
    const late = new Date(held.usableUntil);
    const error = await refusal(injection.inject(outbound(URL_TEXT), way({ as: 'bearer' }), held, late));
    expect(error.code).toBe('credential_unusable');
  });
});

describe('injection', () => {
  const held = heldWith({ api_key: 'sk-1', username: 'us er', password: 'pä:ss', secret: 'shared' });
  const texts = (secrets: readonly { expose(): string }[]): string[] => secrets.map((each) => each.expose());

  it('bearer', async () => {
    const made = await injection.inject(outbound(URL_TEXT), way({ as: 'bearer' }), held, NOW);
    expect(made.headers).toEqual({ authorization: 'Bearer sk-1' });
    expect(texts(made.secrets)).toEqual(['sk-1']);
  });

  it('basic, in UTF-8, with the pair among the secrets', async () => {
    const made = await injection.inject(outbound(URL_TEXT), way({ as: 'basic' }), held, NOW);
    const pair = Buffer.from('us er:pä:ss').toString('base64');
    expect(made.headers).toEqual({ authorization: `Basic ${pair}` });
    expect(texts(made.secrets)).toEqual(['pä:ss', pair]);
  });

  it('a header replaces the one of the request', async () => {
    const spec = way({ as: 'header', name: 'X-Api-Key', prefix: 'key ' });
    const request = outbound(URL_TEXT, { headers: { 'x-api-key': 'theirs', accept: '*/*' } });
    const made = await injection.inject(request, spec, held, NOW);
    expect(made.headers).toEqual({ 'x-api-key': 'key sk-1', accept: '*/*' });
  });

  it('a query parameter is the only one of its name, however it was spelled', async () => {
    const spec = way({ as: 'query', name: 'key' });
    const request = outbound('https://api.example.com/v1?a=1%2F2&key=theirs&%6bey=theirs&b');
    const made = await injection.inject(request, spec, heldWith({ api_key: 'a&b=c d' }), NOW);
    expect(made.url.href).toBe('https://api.example.com/v1?a=1%2F2&b&key=a%26b%3Dc%20d');
    expect(request.url.href).toContain('theirs');
  });

  it('an HMAC over the parts that the tool names', async () => {
    const spec = way({ as: 'hmac', header: 'X-Signature', prefix: 'v1=', timestamp_header: 'X-Time' });
    const body = Buffer.from('{"a":1}');
    const made = await injection.inject(outbound(URL_TEXT, { method: 'POST', body }), spec, held, NOW);
    const signed = `1440938160\nPOST\n/v1/things\n{"a":1}`;
    const signature = createHmac('sha256', 'shared').update(signed).digest('hex');
    expect(made.headers).toEqual({ 'x-signature': `v1=${signature}`, 'x-time': '1440938160' });
    expect(texts(made.secrets)).toEqual(['shared', signature]);
  });

  it('an HMAC in base64 with SHA-512 over the query, and no time where none is signed', async () => {
    const spec = way({
      as: 'hmac',
      header: 'x-signature',
      algorithm: 'sha512',
      encoding: 'base64',
      signed: ['method', 'query', 'body'],
      separator: '.',
    });
    const made = await injection.inject(outbound(URL_TEXT), spec, held, NOW);
    const signature = createHmac('sha512', 'shared').update('GET.kind=a%20b.').digest('base64');
    expect(made.headers).toEqual({ 'x-signature': signature });
  });

  it('a time that is signed is always sent', async () => {
    const made = await injection.inject(outbound(URL_TEXT), way({ as: 'hmac', header: 'x-sig' }), held, NOW);
    expect(made.headers['x-timestamp']).toBe('1440938160');
  });

  it('a client certificate with its chain', async () => {
    const pem = (what: string): string => `-----BEGIN ${what}-----\nAAAA\n-----END ${what}-----\n`;
    const data = {
      certificate: pem('CERTIFICATE'),
      private_key: pem('RSA PRIVATE KEY'),
      ca_chain: ['one', 'two'],
    };
    const spec = way({ as: 'client-certificate', ca_chain_field: 'ca_chain' });
    const made = await injection.inject(outbound(URL_TEXT), spec, heldWith(data), NOW);
    expect(made.clientCertificate?.expose()).toEqual({
      cert: `${pem('CERTIFICATE').trimEnd()}\none\ntwo`,
      key: data.private_key,
    });
    expect(made.headers).toEqual({});
    expect(texts(made.secrets)).toEqual([data.private_key]);
  });

  it('shows nothing when it is logged', async () => {
    const made = await injection.inject(outbound(URL_TEXT), way({ as: 'query', name: 'k' }), held, NOW);
    expect(JSON.stringify(made.secrets)).toBe('["[redacted]"]');
  });
});

describe('a preview', () => {
  it.each([
    [{ as: 'bearer' }, { authorization: 'Bearer [secret]' }],
    [{ as: 'basic' }, { authorization: 'Basic [secret]' }],
    [{ as: 'header', name: 'X-Key', prefix: 'k ' }, { 'x-key': 'k [secret]' }],
    [
      { as: 'hmac', header: 'X-Sig' },
      { 'x-sig': '[secret]', 'x-timestamp': '[time]' },
    ],
  ])('masks %j', (inject, headers) => {
    const shown = preview(outbound(URL_TEXT, { headers: { accept: '*/*' } }), way(inject));
    expect(shown).toMatchObject({ url: URL_TEXT, headers: { accept: '*/*', ...headers } });
  });

  it('masks a query parameter, and shows the rest as it will be sent', () => {
    const shown = preview(outbound(URL_TEXT), way({ as: 'query', name: 'key' }));
    expect(shown.url).toBe(`${URL_TEXT}&key=[secret]`);
  });

  it('says that there would be a client certificate', () => {
    expect(preview(outbound(URL_TEXT), way({ as: 'client-certificate' })).clientCertificate).toBe(true);
    expect(preview(outbound(URL_TEXT), undefined)).toMatchObject({ url: URL_TEXT, headers: {} });
  });
});
