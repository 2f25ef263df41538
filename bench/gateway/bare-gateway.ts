import { randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';
import { Pool } from 'undici';

// What any gateway does that records a call on disk before it makes it, and nothing else: no identity, check, limit,
// scrub, price, event or answer recorded. The least that such a call adds on this machine, whatever is done about the rest.
const upstream = new Pool(process.env['UPSTREAM'] ?? '', { connections: 64 });
const database = new pg.Pool({ connectionString: process.env['DATABASE_URL'] ?? '', max: 16 });
await database.query('CREATE TABLE IF NOT EXISTS bare_calls (id uuid PRIMARY KEY)');

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

async function forwarded(request: IncomingMessage): Promise<Buffer> {
  const body = await bodyOf(request);
  await database.query({
    name: 'record',
    text: 'INSERT INTO bare_calls (id) VALUES ($1)',
    values: [randomUUID()],
  });
  const answer = await upstream.request({
    method: 'POST',
    path: request.url ?? '/',
    headers: { 'content-type': 'application/json', authorization: 'Bearer sk-bench' },
    body,
  });
  return Buffer.from(await answer.body.arrayBuffer());
}

const server = createServer((request, response) => {
  forwarded(request).then(
    (body) => response.setHeader('content-type', 'application/json').end(body),
    (error: unknown) => response.writeHead(500).end(String(error)),
  );
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`);
});
