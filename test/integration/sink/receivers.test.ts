import { Ajv } from 'ajv';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttp } from 'node:http';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createServer as createTls, type TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { leafHash } from '../../../src/tlog/hash.js';
import { TestCa } from '../../support/certificates.js';
import { openSinks, type SinkParts, type SinkReplica } from './sink-parts.js';

let folder: string;
let parts: SinkParts | undefined;
const servers: Server[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'leasegate-sink-'));
});

afterEach(async () => {
  await parts?.stop();
  parts = undefined;
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  servers.push(server);
  return (server.address() as AddressInfo).port;
}

async function open(sink: Readonly<Record<string, unknown>>): Promise<[SinkParts, SinkReplica]> {
  parts = await openSinks({
    receivers: [{ name: 'siem', begin: 'first', ...sink }],
    deadLetterAfterAttempts: 1,
    timeoutMs: 20_000,
  });
  const replica = parts.replica();
  await replica.know();
  await parts.entries();
  return [parts, replica];
}

async function stateOf(replica: SinkReplica): Promise<{ lastError: string | null; nextIndex: number }> {
  const [state] = await replica.states();
  return { lastError: state?.lastError ?? null, nextIndex: state?.nextIndex ?? -1 };
}

async function leaves(opened: SinkParts): Promise<Buffer[]> {
  const rows = await opened.dataSource.query<{ leaf: Buffer }[]>('SELECT leaf FROM audit_entry ORDER BY idx');
  return rows.map(({ leaf }) => leaf);
}

/** A server of RFC 5425 that reads frames by their length, as the RFC says, and throws on anything else. */
class SyslogServer {
  readonly messages: string[] = [];
  /** Cuts the connection after so many bytes. */
  cutAfterBytes = Infinity;
  readonly ca = new TestCa();

  async start(names: readonly string[] = ['127.0.0.1'], clientCa?: string): Promise<number> {
    const server = createTls(
      {
        ...this.ca.issue({ names }),
        ...(clientCa === undefined ? {} : { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
      },
      (socket) => this.#read(socket),
    );
    server.on('tlsClientError', () => undefined);
    return listen(server);
  }

  #read(socket: TLSSocket): void {
    let held = Buffer.alloc(0);
    let seen = 0;
    socket.on('error', () => undefined);
    socket.on('data', (part: Buffer) => {
      seen += part.length;
      if (seen > this.cutAfterBytes) return void socket.destroy();
      held = Buffer.concat([held, part]);
      for (;;) {
        const space = held.indexOf(' ');
        if (space < 0) return;
        const length = Number(held.subarray(0, space).toString('ascii'));
        if (held.length < space + 1 + length) return;
        this.messages.push(held.subarray(space + 1, space + 1 + length).toString('utf8'));
        held = held.subarray(space + 1 + length);
      }
    });
  }
}

const RFC5424 =
  /^<(\d{1,3})>1 (\S+) (\S+) (\S+) (\S+) (\S+) (\[[^ \]]+(?: [!-~]+?="(?:[^"\\\]]|\\["\\\]])*")*\]) (.*)$/su;

describe('syslog over TLS', () => {
  it('is refused to a server whose certificate does not verify, and the cursor stays', async () => {
    const server = new SyslogServer();
    const port = await server.start();
    const [, replica] = await open({ kind: 'syslog', host: '127.0.0.1', port });
    await replica.follow();
    expect(server.messages).toEqual([]);
    expect(await stateOf(replica)).toMatchObject({
      nextIndex: 0,
      lastError: expect.stringMatching(/cannot be reached \(.*(CERT|VERIFY|SIGNATURE).*\)/) as unknown,
    });
  });

  it('sends again what a connection that broke may not have carried', async () => {
    const server = new SyslogServer();
    const port = await server.start();
    await writeFile(join(folder, 'ca.pem'), server.ca.cert);
    const [opened, replica] = await open({
      kind: 'syslog',
      host: '127.0.0.1',
      port,
      caFile: join(folder, 'ca.pem'),
    });
    await opened.refuse(...Array.from({ length: 100 }, (_, index) => `/route/${index}`));
    server.cutAfterBytes = 2_000;
    await replica.follow();
    expect((await stateOf(replica)).nextIndex).toBe(0);
    server.cutAfterBytes = Infinity;
    opened.clock.advanceMs(10_000);
    await replica.follow();
    const found = server.messages.slice(-101).map((message) => RFC5424.exec(message)?.[8]);
    expect(found).toEqual((await leaves(opened)).map((leaf) => leaf.toString('utf8')));
  });

  it('speaks RFC 5424, with a client certificate where one is asked for', async () => {
    const server = new SyslogServer();
    const clients = new TestCa('clients');
    const port = await server.start(['logs.example'], clients.cert);
    const { cert, key } = clients.issue({ names: ['broker.example'] });
    for (const [name, pem] of [
      ['ca', server.ca.cert],
      ['cert', cert],
      ['key', key],
    ] as const)
      await writeFile(join(folder, `${name}.pem`), pem);
    const [opened, replica] = await open({
      kind: 'syslog',
      host: '127.0.0.1',
      port,
      serverName: 'logs.example',
      hostname: 'broker-1',
      caFile: join(folder, 'ca.pem'),
      clientCertFile: join(folder, 'cert.pem'),
      clientKeyFile: join(folder, 'key.pem'),
    });
    await opened.refuse('/a"b\\c]d\nümlaut');
    expect(await replica.follow()).toBe(2);
    const [, second] = server.messages;
    const [, priority, time, host, app, , msgid, data, message] = RFC5424.exec(second ?? '') ?? [];
    expect([priority, host, app, msgid]).toEqual(['108', 'broker-1', 'leasegate', 'call.refused']);
    expect(Number.isNaN(Date.parse(time ?? ''))).toBe(false);
    expect(data).toContain('outcome="refused" code="run_identity_missing"');
    expect(leafHash(Buffer.from(message ?? '')).toString('hex')).toBe(
      /leafHash="(\w+)"/.exec(data ?? '')?.[1],
    );
  });
});

describe('OTLP', () => {
  const schema = JSON.parse(
    readFileSync(join(import.meta.dirname, 'otlp-logs.schema.json'), 'utf8'),
  ) as object;
  const validate = new Ajv({ strict: false }).compile(schema);

  it('sends logs that the JSON form of the protocol allows, with the token of the moment', async () => {
    const bodies: unknown[] = [];
    const ca = new TestCa();
    const server = createHttps(ca.issue({ names: ['127.0.0.1'] }), (request, response) => {
      void text(request).then((body) => {
        const allowed = request.headers.authorization === 'Bearer first' && request.url === '/v1/logs';
        if (allowed) bodies.push(JSON.parse(body));
        response.writeHead(allowed ? 200 : 401, { 'content-type': 'application/json' }).end('{}');
      });
    });
    const port = await listen(server);
    await writeFile(join(folder, 'ca.pem'), ca.cert);
    await writeFile(join(folder, 'token'), 'old\n');
    const [opened, replica] = await open({
      kind: 'otlp',
      url: `https://127.0.0.1:${port}/v1/logs`,
      tokenFile: join(folder, 'token'),
      caFile: join(folder, 'ca.pem'),
      internal: true,
    });
    await opened.refuse('/a');
    await replica.follow();
    expect(await stateOf(replica)).toMatchObject({ lastError: 'the receiver answered 401', nextIndex: 0 });
    await writeFile(join(folder, 'token'), 'first\n');
    opened.clock.advanceMs(10_000);
    // The first after a failure goes alone.
    expect(await replica.follow()).toBe(2);
    expect(bodies.length).toBeGreaterThan(0);
    for (const body of bodies) expect(validate(body) ? [] : validate.errors).toEqual([]);
    const all = JSON.stringify(bodies);
    expect(all).toContain('"eventName":"leasegate.call.refused"');
    expect(all).toContain('"severityNumber":13');
    server.closeAllConnections();
  });

  it('finds the record that a partial success threw away, and puts it aside', async () => {
    const taken: string[] = [];
    const server = createHttp((request, response) => {
      void text(request).then((body) => {
        const rejected = body.includes('/poison') ? 1 : 0;
        if (rejected === 0) taken.push(body);
        response
          .writeHead(200)
          .end(
            JSON.stringify({ partialSuccess: { rejectedLogRecords: String(rejected), errorMessage: 'no' } }),
          );
      });
    });
    const port = await listen(server);
    const [opened, replica] = await open({
      kind: 'otlp',
      url: `http://127.0.0.1:${port}/v1/logs`,
      internal: true,
    });
    await opened.refuse('/a', '/poison', '/b');
    await replica.follow();
    const { items } = await replica.letters.list('siem', { limit: 10 });
    expect(items).toMatchObject([{ index: 2, lastError: 'the collector rejected 1 of 1 records' }]);
    expect(taken.join('')).toContain('/b');
    server.closeAllConnections();
  });
});

describe('a file', () => {
  const lines = async (name: string): Promise<string[]> =>
    (await readFile(join(folder, name), 'utf8')).split('\n').slice(0, -1);

  it('that cannot be written keeps the cursor where it is', async () => {
    const [, replica] = await open({ kind: 'file', path: join(folder, 'not-there', 'audit.jsonl') });
    await replica.follow();
    expect(await stateOf(replica)).toEqual({
      lastError: 'the file cannot be written (ENOENT)',
      nextIndex: 0,
    });
  });

  it('loses half a line that a crash left, and goes on with whole ones', async () => {
    await writeFile(join(folder, 'audit.jsonl'), '{"index":0}\n{"index":1,"lea');
    const [opened, replica] = await open({ kind: 'file', path: join(folder, 'audit.jsonl') });
    await opened.refuse('/a');
    expect(await replica.follow()).toBe(2);
    const found = (await lines('audit.jsonl')).map((line) => JSON.parse(line) as { index: number });
    expect(found.map(({ index }) => index)).toEqual([0, 0, 1]);
    const [leaf] = await leaves(opened);
    expect((await lines('audit.jsonl'))[1]).toContain(`"event":${String(leaf?.toString('utf8'))}}`);
  });

  it('is put aside when it is large, the newest of them kept, and no event is in none or two of them', async () => {
    const [opened, replica] = await open({
      kind: 'file',
      path: join(folder, 'audit.jsonl'),
      maxBytes: 4_096,
      keep: 1_000,
      batch: 3,
    });
    await opened.refuse(...Array.from({ length: 40 }, (_, index) => `/route/${index}`));
    await replica.follow();
    const names = (await readdir(folder)).sort();
    expect(names.length).toBeGreaterThan(3);
    const aside = names.filter((name) => name !== 'audit.jsonl');
    const all = (await Promise.all([...aside, 'audit.jsonl'].map(lines))).flat();
    expect(all.map((line) => (JSON.parse(line) as { index: number }).index)).toEqual(
      Array.from({ length: 41 }, (_, index) => index),
    );
  });

  it('keeps no more of those put aside than it was told', async () => {
    const [opened, replica] = await open({
      kind: 'file',
      path: join(folder, 'audit.jsonl'),
      maxBytes: 1_024,
      keep: 2,
      batch: 1,
    });
    await opened.refuse('/a', '/b', '/c', '/d', '/e', '/f', '/g');
    await replica.follow();
    expect(await readdir(folder)).toHaveLength(3);
  });
});
