import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Secret } from '../../../../src/kernel/secret.js';
import { BrokerError } from '../../../../src/kernel/broker-error.js';
import { outboundParts, textOf, type OutboundParts } from '../../../support/outbound-parts.js';
import { startUpstream, type Upstream } from '../../../support/upstream.js';
import { until } from '../../../support/until.js';

let upstream: Upstream;
let parts: OutboundParts;

beforeAll(async () => {
  upstream = await startUpstream({ names: ['api.example.com', '127.0.0.1'] });
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await parts.stop();
});
afterAll(() => upstream.stop());

const at = (path: string): URL => new URL(path, upstream.origin);

describe('Outbound', () => {
  it('refuses headers that are ours, and values that would end one', async () => {
    parts = outboundParts();
    for (const headers of [
      { host: 'other.example' },
      { 'transfer-encoding': 'chunked' },
      { 'content-length': '7' },
      { connection: 'close' },
      { 'proxy-authorization': 'x' },
      { 'x-a': 'a\r\nx-b: c' },
      { 'x-a': 'a\nb' },
      { 'x-a': 'a\0b' },
      { 'x a': 'b' },
      { 'x-a:': 'b' },
      { 'X-A': 'b' },
      { 'x-a': 'snow \u2603' },
    ]) {
      await expect(
        parts.send({ url: at('/'), headers }, { caFile: upstream.caFile }),
      ).rejects.toMatchObject({
        code: 'request_invalid',
      });
    }
    expect(upstream.requests).toEqual([]);
  });

  it('sends over TLS with host and framing of ours, and keeps the connection', async () => {
    parts = outboundParts();
    upstream.json('POST', '/v1/orders', { ok: true }, 201);
    let sent = 0;
    for (let round = 0; round < 3; round += 1) {
      const answer = await parts.send(
        { method: 'POST', url: at('/v1/orders?a=1'), headers: { 'x-a': 'b' }, body: Buffer.from('{}') },
        { caFile: upstream.caFile, onSent: () => (sent += 1) },
      );
      expect(answer).toMatchObject({ status: 201, address: '127.0.0.1' });
      expect(answer.headers['content-type']).toBe('application/json');
      expect(await textOf(answer)).toBe('{"ok":true}');
    }
    expect(sent).toBe(3);
    expect(new Set(upstream.requests.map(({ connection }) => connection)).size).toBe(1);
    const [first] = upstream.requests;
    expect(first?.rawHeaders.map((text) => text.toLowerCase())).toEqual([
      'host',
      `127.0.0.1:${upstream.port}`,
      'connection',
      'keep-alive',
      'x-a',
      'b',
      'user-agent',
      'leasegate',
      'content-length',
      '2',
    ]);
    expect(first?.path).toBe('/v1/orders?a=1');
  });

  it('ends at once when its signal fires, with the reason that it gives', async () => {
    parts = outboundParts();
    const reason = new BrokerError('run_closed');
    upstream.on('GET', '/stream', (_request, response) => void response.write('data: 1\n\n'));
    const abort = new AbortController();
    const answer = await parts.send(
      { url: at('/stream') },
      { caFile: upstream.caFile, signal: abort.signal },
    );
    const reading = textOf(answer);
    abort.abort(reason);
    await expect(reading).rejects.toBe(reason);
    await until(() => upstream.openConnections === 0);
    await expect(
      parts.send({ url: at('/stream') }, { caFile: upstream.caFile, signal: abort.signal }),
    ).rejects.toBe(reason);
  });

  it('shows a client certificate, and to nobody who has another', async () => {
    parts = outboundParts();
    const clients = upstream.ca.issue({ names: ['worker'] });
    const mutual = await startUpstream({ clientCa: upstream.ca.cert, ca: upstream.ca });
    try {
      mutual.json('GET', '/', {});
      const url = new URL('/', mutual.origin);
      await expect(parts.send({ url }, { caFile: mutual.caFile })).rejects.toMatchObject({
        code: 'upstream_tls_refused',
      });
      const answer = await parts.send(
        { url, clientCertificate: Secret.of(clients) },
        { caFile: mutual.caFile },
      );
      await textOf(answer);
      expect(mutual.requests.map(({ clientName }) => clientName)).toEqual(['worker']);
    } finally {
      await mutual.stop();
    }
  });
});
