import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { InjectedRequest } from '../../../../src/gateway/destination/outbound-request.js';
import { BrokerError } from '../../../../src/kernel/broker-error.js';
import { Secret } from '../../../../src/kernel/secret.js';
import { outboundParts, textOf, type OutboundParts } from '../../../support/outbound-parts.js';
import { startRawUpstream } from '../../../support/raw-upstream.js';
import { until } from '../../../support/until.js';
import { startUpstream, type Upstream } from '../../../support/upstream.js';

let upstream: Upstream;
let parts: OutboundParts;
let seenBefore: number;

beforeAll(async () => {
  upstream = await startUpstream();
});
beforeEach(() => {
  parts = outboundParts();
  seenBefore = upstream.requests.length;
});
afterEach(() => parts.stop());
afterAll(() => upstream.stop());

const at = (path: string): URL => new URL(path, upstream.origin);
const seen = () => upstream.requests.slice(seenBefore);

describe('headers', () => {
  const refused: readonly InjectedRequest['headers'][] = [
    { host: 'other.example' },
    { 'transfer-encoding': 'chunked' },
    { 'content-length': '7' },
    { connection: 'close' },
    { upgrade: 'h2c' },
    { expect: '100-continue' },
    { te: 'trailers' },
    { 'proxy-authorization': 'x' },
    { 'keep-alive': 'x' },
    { 'x-a': 'a\r\nx-b: c' },
    { 'x-a': 'a\nb' },
    { 'x-a': 'a\rb' },
    { 'x-a': 'a\0b' },
    { 'x-a': 'snow \u2603' },
    { 'x a': 'b' },
    { 'x-a:': 'b' },
    { 'X-A': 'b' },
    { '': 'b' },
  ];

  it.each(refused)('refuses %o', async (headers) => {
    const sending = parts.send({ url: at('/'), headers }, { caFile: upstream.caFile });
    await expect(sending).rejects.toMatchObject({ code: 'request_invalid' });
    expect(seen()).toEqual([]);
  });

  it('takes what a signer signed, when it is the truth', async () => {
    upstream.json('PUT', '/signed', {});
    const { url, body } = { url: at('/signed'), body: Buffer.from('{}') };
    const headers = { host: url.host, 'content-length': '2', authorization: 'signature' };
    await textOf(await parts.send({ method: 'PUT', url, headers, body }, { caFile: upstream.caFile }));
    expect(seen()[0]?.rawHeaders.filter((name) => name.toLowerCase() === 'host')).toHaveLength(1);
  });
});

describe('an ordinary call', () => {
  it('goes over TLS with host and framing of ours, and keeps its connections', async () => {
    upstream.json('POST', '/v1/orders', { ok: true }, 201);
    let sent = 0;
    for (let round = 0; round < 5; round += 1) {
      const answer = await parts.send(
        { method: 'POST', url: at('/v1/orders?a=1'), headers: { 'x-a': 'b' }, body: Buffer.from('{}') },
        { caFile: upstream.caFile, onSent: () => (sent += 1) },
      );
      expect(answer).toMatchObject({ status: 201, address: '127.0.0.1' });
      expect(answer.headers['content-type']).toBe('application/json');
      expect(await textOf(answer)).toBe('{"ok":true}');
    }
    expect(sent).toBe(5);
    expect(new Set(seen().map(({ connection }) => connection)).size).toBeLessThanOrEqual(2);
    const [first] = seen();
    expect(first?.path).toBe('/v1/orders?a=1');
    expect(first?.rawHeaders).toEqual([
      ...['host', `127.0.0.1:${upstream.port}`, 'connection', 'keep-alive', 'x-a', 'b'],
      ...['user-agent', 'leasegate', 'content-length', '2'],
    ]);
  });

  it('gives headers in lower case, joined, without cookies', async () => {
    upstream.on('GET', '/headers', (_request, response) => {
      response
        .setHeader('X-Request-Id', '7')
        .setHeader('Vary', ['a', 'b'])
        .setHeader('Set-Cookie', ['a=1', 'b=2']);
      response.end();
    });
    const { headers, body } = await parts.send({ url: at('/headers') }, { caFile: upstream.caFile });
    body.resume();
    expect(headers).toMatchObject({ 'x-request-id': '7', vary: 'a, b' });
    expect(headers).not.toHaveProperty('set-cookie');
  });

  it('slows the provider down when nobody reads', async () => {
    const total = 16 * 1_048_576;
    let written = 0;
    let full = false;
    upstream.on('GET', '/flood', (_request, response) => {
      const chunk = Buffer.alloc(65_536);
      const more = (): void => {
        while (written < total) {
          written += chunk.length;
          if (!response.write(chunk)) return void (full = true);
        }
        response.end();
      };
      response.on('drain', more);
      more();
    });
    const answer = await parts.send({ url: at('/flood') }, { caFile: upstream.caFile });
    await until(() => full);
    const before = written;
    let size = 0;
    for await (const chunk of answer.body) size += (chunk as Buffer).length;
    expect(before).toBeLessThan(total);
    expect(size).toBe(total);
  });
});

describe('the end of a call', () => {
  const reason = new BrokerError('run_closed');

  it('comes at once when its signal fires, in the middle of a stream', async () => {
    let closed = false;
    upstream.on('GET', '/stream', (_request, response) => {
      response.on('close', () => (closed = true));
      response.write('data: 1\n\n');
    });
    const abort = new AbortController();
    const options = { caFile: upstream.caFile, signal: abort.signal };
    const reading = textOf(await parts.send({ url: at('/stream') }, options));
    abort.abort(reason);
    await expect(reading).rejects.toBe(reason);
    await until(() => closed);
    await expect(parts.send({ url: at('/stream') }, options)).rejects.toBe(reason);
    // The connection is not replaced: nobody waits for one.
    await until(() => upstream.openConnections === 0, { deadlineMs: 3_000 });
  });

  it('comes before anything left, too, and then nothing leaves', async () => {
    let sent = 0;
    const abort = new AbortController();
    abort.abort(reason);
    const sending = parts.send(
      { url: at('/never') },
      { caFile: upstream.caFile, signal: abort.signal, onSent: () => (sent += 1) },
    );
    await expect(sending).rejects.toBe(reason);
    expect([sent, seen()]).toEqual([0, []]);
  });

  it('comes when the reader goes away', async () => {
    let closed = false;
    upstream.on('GET', '/left', (_request, response) => {
      response.on('close', () => (closed = true));
      response.write('data: 1\n\n');
    });
    const { body } = await parts.send({ url: at('/left') }, { caFile: upstream.caFile });
    body.destroy();
    await until(() => closed);
  });

  it('comes by the deadline: without a head, within a body, within a handshake', async () => {
    upstream.on('GET', '/silent', () => undefined);
    upstream.on('GET', '/half', (_request, response) => void response.write('half'));
    const options = { caFile: upstream.caFile, timeoutMs: 150 };
    await expect(parts.send({ url: at('/silent') }, options)).rejects.toMatchObject({
      code: 'upstream_timeout',
    });
    // Enough for the head to come on a busy machine.
    const half = await parts.send({ url: at('/half') }, { ...options, timeoutMs: 3_000 });
    await expect(textOf(half)).rejects.toMatchObject({ code: 'upstream_timeout' });
    const mute = await startRawUpstream(() => '');
    try {
      const url = new URL(mute.origin.replace('http:', 'https:'));
      await expect(parts.send({ url }, options)).rejects.toMatchObject({ code: 'upstream_timeout' });
    } finally {
      await mute.stop();
    }
  });

  it('comes when the provider hangs up, before the head or within the body', async () => {
    upstream.on('POST', '/hang-up', (_request, response) => void response.socket?.destroy());
    upstream.on('GET', '/cut', (_request, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('some', () => response.socket?.destroy());
    });
    const { caFile } = upstream;
    await expect(
      parts.send({ method: 'POST', url: at('/hang-up') }, { caFile, retries: 3 }),
    ).rejects.toMatchObject({ code: 'upstream_unreachable' });
    // What is not idempotent is sent once.
    expect(seen()).toHaveLength(1);
    const cut = await parts.send({ url: at('/cut') }, { caFile });
    await expect(textOf(cut)).rejects.toMatchObject({ code: 'upstream_unreachable' });
  });
});

describe('retries', () => {
  it('are made for what is idempotent, before an answer began, and reported as one sending', async () => {
    let failures = 2;
    upstream.on('GET', '/shaky', (_request, response) => {
      failures -= 1;
      if (failures >= 0) response.socket?.destroy();
      else response.end('well');
    });
    let sent = 0;
    const answer = await parts.send(
      { url: at('/shaky') },
      { caFile: upstream.caFile, retries: 2, onSent: () => (sent += 1) },
    );
    expect(await textOf(answer)).toBe('well');
    expect([sent, seen().length]).toEqual([1, 3]);
  });

  it('end with the last failure, and are not made for refused answers', async () => {
    upstream.on('GET', '/gone', (_request, response) => void response.socket?.destroy());
    const { caFile } = upstream;
    await expect(parts.send({ url: at('/gone') }, { caFile, retries: 1 })).rejects.toMatchObject({
      code: 'upstream_unreachable',
    });
    expect(seen()).toHaveLength(2);
    const raw = await startRawUpstream(() => 'no http\r\n\r\n');
    try {
      const url = new URL(raw.origin);
      await expect(parts.send({ url }, { retries: 3 })).rejects.toMatchObject({
        code: 'upstream_response_refused',
      });
      expect(raw.received.match(/GET/g)).toHaveLength(1);
    } finally {
      await raw.stop();
    }
  });
});

describe('mutual TLS', () => {
  it('shows the certificate of a call, and never that of another one', async () => {
    const { ca } = upstream;
    const mutual = await startUpstream({ clientCa: ca.cert, ca });
    mutual.json('GET', '/', {});
    const url = new URL('/', mutual.origin);
    const call = async (clientCertificate: InjectedRequest['clientCertificate']): Promise<void> => {
      await textOf(await parts.send({ url, clientCertificate }, { caFile: mutual.caFile }));
    };
    try {
      await expect(call(undefined)).rejects.toMatchObject({ status: 502 });
      const [a, b] = [ca.issue({ names: ['worker-a'] }), ca.issue({ names: ['worker-b'] })];
      await call(Secret.of(a));
      await call(Secret.of(b));
      await call(Secret.of({ ...a }));
      await expect(call(undefined)).rejects.toMatchObject({ status: 502 });
      expect(mutual.requests.map(({ clientName }) => clientName)).toEqual([
        'worker-a',
        'worker-b',
        'worker-a',
      ]);
    } finally {
      await mutual.stop();
    }
  });
});
