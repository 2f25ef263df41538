import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { startChild } from '../src/dev/child.js';
import type { BrokerParts } from './broker-parts.js';

/** Starts a program of this build beside this process, which prints the port it listens on; answers its origin. */
export async function startProgram(
  parts: BrokerParts,
  name: string,
  program: URL,
  env: Readonly<Record<string, string>>,
): Promise<string> {
  let port: number | undefined;
  const child = await startChild(parts.reaper, {
    name,
    command: process.execPath,
    args: [fileURLToPath(program)],
    env: { PATH: process.env['PATH'] ?? '', ...env },
    ready: (output) => {
      const line = /^\{"port":(\d+)\}$/m.exec(output);
      port = line === null ? undefined : Number(line[1]);
      return port !== undefined;
    },
    deadlineMs: 30_000,
  });
  parts.onStop(() => child.stop());
  return `http://127.0.0.1:${port}`;
}

/** A database for a program's own tables, in the cluster of the broker's. */
export function ownDatabaseUrl({ databaseUrl }: BrokerParts): string {
  const url = new URL(databaseUrl);
  url.pathname = '/postgres';
  return url.href;
}

/** In such a program: answers each request with JSON that is made of its path and body, and prints the port. */
export function serveJson(answer: (path: string, body: string) => Promise<string>): void {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      answer(request.url ?? '/', Buffer.concat(chunks).toString()).then(
        (text) => response.setHeader('content-type', 'application/json').end(text),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
    });
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1', () => {
    process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`);
  });
}
