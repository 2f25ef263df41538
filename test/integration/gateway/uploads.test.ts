import { createHash } from 'node:crypto';
import { createServer, request, type ClientRequest, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ToolSpecInput } from '../../../src/gateway/tool/tool-spec.js';
import { keptMemory } from '../../support/kept-memory.js';
import { until } from '../../support/until.js';
import { GatewayWorld } from './gateway-world.js';

interface Taken {
  readonly headers: IncomingMessage['headers'];
  bytes: number;
  text: string;
  readonly hash: ReturnType<typeof createHash>;
  end: 'open' | 'whole' | 'broken';
}

const CARD = '4111 1111 1111 1111';
const MIB = 1_048_576;

let world: GatewayWorld;
let provider: Server;
let token: string;
const taken: Taken[] = [];

beforeAll(async () => {
  provider = createServer((message, response) => {
    const seen: Taken = {
      headers: message.headers,
      bytes: 0,
      text: '',
      hash: createHash('sha256'),
      end: 'open',
    };
    taken.push(seen);
    message.on('data', (chunk: Buffer) => {
      seen.bytes += chunk.length;
      seen.hash.update(chunk);
      if (seen.bytes < MIB) seen.text += chunk.toString();
    });
    message.once('error', () => (seen.end = 'broken'));
    message.once('end', () => {
      seen.end = 'whole';
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ bytes: seen.bytes }));
    });
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => provider.once('listening', resolve));
  world = await GatewayWorld.start();
  await world.tools(
    spec('upload-csv', { content_type: 'text/csv', stream: true, max_bytes: 80 * MIB }),
    spec('upload-clean', { content_type: 'text/csv', stream: true }, { scrub: { request: 'redact' } }),
    spec('upload-small', { content_type: 'text/csv', stream: true, max_bytes: 1_000 }),
  );
  token = await world.runWith('uploader', ['upload-csv', 'upload-clean', 'upload-small']);
}, 240_000);
afterAll(async () => {
  provider.closeAllConnections();
  provider.close();
  await world.stop();
});

function spec(name: string, body: object, more: Partial<ToolSpecInput> = {}) {
  const url = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/${name}`;
  return { name, method: 'POST' as const, url, parameters: { body }, ...more };
}

interface Sending {
  /** What the provider has got of it. */
  readonly seen: () => Taken | undefined;
  readonly request: ClientRequest;
  readonly answered: Promise<{ status: number; headers: IncomingMessage['headers']; body: string }>;
}

/** A request whose body the test writes piece by piece. */
function sending(tool: string, headers: Readonly<Record<string, string>> = {}): Sending {
  const before = taken.length;
  const { hostname, port } = new URL(world.broker.baseUrl);
  const authorization = `Bearer ${token}`;
  const outgoing = request({
    hostname,
    port,
    method: 'POST',
    path: `/g/${tool}/${tool}`,
    headers: { authorization, 'content-type': 'text/csv', ...headers },
  });
  const answered = new Promise<{ status: number; headers: IncomingMessage['headers']; body: string }>(
    (resolve, reject) => {
      outgoing.once('error', reject);
      outgoing.once('response', (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text: string) => (body += text));
        // What comes after the answer is the connection's end.
        outgoing.on('error', () => undefined);
        response.once('close', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        );
      });
    },
  );
  answered.catch(() => undefined);
  outgoing.flushHeaders();
  return { request: outgoing, answered, seen: () => taken[before] };
}

describe('a tool that passes bodies on is refused', () => {
  it.each([
    [
      'json',
      { body: { content_type: 'application/json', schema: {}, stream: true } },
      {},
      '/parameters/body/stream',
    ],
    [
      'retried',
      { body: { content_type: 'text/csv', stream: true } },
      { method: 'PUT', retries: 1 },
      '/retries',
    ],
    [
      'signed',
      { body: { content_type: 'text/csv', stream: true } },
      { credential: { name: 'provider', inject: { as: 'aws-sigv4', service: 's3', region: 'eu' } } },
      '/credential/inject',
    ],
  ])('%s', async (name, parameters, more, field) => {
    const body = { ...world.spec({ name, method: 'POST' }), parameters, ...more };
    const answer = await world.admin('POST', '/v1/tools', body);
    expect(answer.status).toBe(422);
    expect(answer.body).toMatchObject({ code: 'request_invalid', field });
  });
});

describe('a body that is passed on is refused', () => {
  it('before any of it is read, when nobody says who sends it', async () => {
    const before = taken.length;
    const { request, answered } = sending('upload-csv', { authorization: 'Bearer none' });
    request.write('a,b\n');
    const { headers, body } = await answered;
    expect((JSON.parse(body) as { code: string }).code).toBe('run_identity_missing');
    expect(headers.connection).toBe('close');
    expect(taken.length).toBe(before);
  });

  it('when it is of another type than the tool takes', async () => {
    const { request, answered } = sending('upload-csv', { 'content-type': 'text/plain' });
    request.write('a,b\n');
    expect((await answered).status).toBe(415);
  });

  it('when what is announced is more than the tool takes', async () => {
    const before = taken.length;
    const { answered } = sending('upload-small', { 'content-length': '1001' });
    const { status, body } = await answered;
    expect({ status, code: (JSON.parse(body) as { code: string }).code }).toEqual({
      status: 413,
      code: 'request_too_large',
    });
    expect(taken.length).toBe(before);
  });

  it('when it becomes more than the tool takes', async () => {
    const { request, answered, seen } = sending('upload-small');
    request.write(`${'x,'.repeat(300)}\n`);
    await until(() => (seen()?.bytes ?? 0) > 0, { what: 'the first piece' });
    request.write(`${'y,'.repeat(300)}\n`);
    expect((await answered).status).toBe(413);
    await until(() => seen()?.end === 'broken', { what: 'the broken request' });
    const [ended] = await world.events(
      1,
      (event) => event.kind === 'call.ended' && event.code === 'request_too_large',
    );
    // The provider got a part of it.
    expect(ended?.data).toMatchObject({ result: 'unknown' });
  });

  it('when a card number comes, also over two pieces, of which the provider sees nothing', async () => {
    const { request, answered, seen } = sending('upload-csv');
    request.write('name,card\nann,');
    await until(() => (seen()?.bytes ?? 0) > 0, { what: 'the first piece' });
    request.write(CARD.slice(0, 9));
    request.write(`${CARD.slice(9)}\nbob,none\n`);
    const { status, body } = await answered;
    expect({ status, code: (JSON.parse(body) as { code: string }).code }).toEqual({
      status: 422,
      code: 'request_blocked',
    });
    expect(body).not.toContain(CARD);
    await until(() => seen()?.end === 'broken', { what: 'the broken request' });
    expect(seen()?.text).not.toContain('4111');
    const [ended] = await world.events(
      1,
      (event) => event.kind === 'call.ended' && event.code === 'request_blocked',
    );
    expect(ended?.data['findings']).toEqual([{ kind: 'card', count: 1 }]);
  });
});

describe('a body that is passed on', () => {
  it('reaches the provider while it is still being written', async () => {
    const { request, answered, seen } = sending('upload-csv');
    request.write('a,b\n1,2\n');
    await until(() => seen()?.text.startsWith('a,b\n'), { what: 'the first line at the provider' });
    expect(seen()).toMatchObject({ end: 'open' });
    expect(seen()?.headers).toMatchObject({ 'transfer-encoding': 'chunked' });
    expect(seen()?.headers.authorization).toBe(`Bearer ${world.key}`);
    request.end('3,4\n');
    const { status, body } = await answered;
    expect({ status, body }).toEqual({ status: 200, body: '{"bytes":12}' });
    const [ended] = await world.events(
      1,
      (event) => event.kind === 'call.ended' && event.data['request_bytes'] === 12,
    );
    expect(ended?.outcome).toBe('success');
  });

  it('keeps the length that was announced', async () => {
    const { request, answered, seen } = sending('upload-csv', { 'content-length': '8' });
    request.end('a,b\n1,2\n');
    expect((await answered).status).toBe(200);
    expect(seen()?.headers['content-length']).toBe('8');
  });

  it('is redacted where the tool says so', async () => {
    const { request, answered, seen } = sending('upload-clean', { 'content-length': '27' });
    request.end('name,mail\nann,ann@mail.test');
    expect((await answered).status).toBe(200);
    expect(seen()?.text).toBe('name,mail\nann,[redacted:email]');
  });

  it('may be larger than anything that is kept in memory', async () => {
    const line = `${'row,'.repeat(255)}end\n`;
    const piece = Buffer.from(line.repeat(1_024));
    const hash = createHash('sha256');
    const { request, answered, seen } = sending('upload-csv');
    const before = keptMemory().arrayBuffers;
    let most = 0;
    for (let sent = 0; sent < 64; sent += 1) {
      hash.update(piece);
      if (!request.write(piece)) await new Promise((resolve) => request.once('drain', resolve));
      if (sent % 8 === 7) most = Math.max(most, keptMemory().arrayBuffers - before);
    }
    request.end();
    expect((await answered).status).toBe(200);
    expect(seen()?.bytes).toBe(64 * piece.length);
    expect(seen()?.hash.digest('hex')).toBe(hash.digest('hex'));
    // Client, broker and provider share this process.
    expect(most).toBeLessThan(32 * MIB);
  }, 240_000);

  it('ends at the provider when its sender hangs up', async () => {
    const { request, answered, seen } = sending('upload-csv');
    request.write('a,b\n1,2\n');
    await until(() => (seen()?.bytes ?? 0) > 0, { what: 'the first piece' });
    request.destroy();
    await expect(answered).rejects.toThrow();
    await until(() => seen()?.end === 'broken', { what: 'the broken request' });
  });
});
