import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A provider of chat completions on loopback, in a process of its own: all sides of the benchmark call this one. A
 * request with `stream` gets an event every `interval_ms` until `events` of them were sent, each with its number and
 * the time at which it left.
 */
const ANSWER = Buffer.from(
  JSON.stringify({
    id: 'chatcmpl-bench',
    object: 'chat.completion',
    created: 1_700_000_000,
    model: 'bench-1',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: 'A lamp, a chair and a table were ordered on Monday. '.repeat(12),
        },
        finish_reason: 'stop',
      },
    ],
    usage: { prompt_tokens: 24, completion_tokens: 156, total_tokens: 180 },
  }),
);

interface Wish {
  readonly stream?: boolean;
  readonly events?: number;
  readonly interval_ms?: number;
}

function answer(request: IncomingMessage, response: ServerResponse): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const wish = JSON.parse(Buffer.concat(chunks).toString()) as Wish;
    if (wish.stream === true) {
      stream(response, wish);
      return;
    }
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': ANSWER.length });
    response.end(ANSWER);
  });
}

function stream(response: ServerResponse, { events = 100, interval_ms: intervalMs = 100 }: Wish): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  let sent = 0;
  const timer = setInterval(() => {
    sent += 1;
    const last = sent >= events;
    const usage = last ? { prompt_tokens: 24, completion_tokens: sent } : null;
    const event = { id: 'chatcmpl-bench', model: 'bench-1', n: sent, sent_at: Date.now(), usage };
    response.write(`data: ${JSON.stringify(event)}\n\n`);
    if (!last) return;
    clearInterval(timer);
    response.end('data: [DONE]\n\n');
  }, intervalMs);
  response.on('close', () => clearInterval(timer));
}

const server = createServer(answer);
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ port: (server.address() as AddressInfo).port })}\n`);
});
process.on('SIGTERM', () => process.exit(0));
