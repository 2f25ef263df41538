import { PassThrough } from 'node:stream';
import type { Client } from '@modelcontextprotocol/client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CallProgress, type Progress } from '../../../../src/api/mcp/call-progress.js';
import type { CallAnswer } from '../../../../src/gateway/call/call-answer.js';
import { BrokerError } from '../../../../src/kernel/broker-error.js';
import { until } from '../../../support/until.js';
import { jsonAnswer, McpServer } from './mcp-server.js';

const TOOL = {
  name: 'ask',
  method: 'GET',
  url: 'https://api.example.com/v1/ask',
  response: { stream: true },
} as const;

let body: PassThrough;
const server = new McpServer([TOOL], async (_wanted, signal) => {
  signal.addEventListener('abort', () => body.destroy(new BrokerError('call_cancelled')), { once: true });
  return streamed(body);
});
const clients: Client[] = [];

function streamed(stream: PassThrough): CallAnswer {
  return {
    ...jsonAnswer('ask', {}),
    contentType: 'text/event-stream',
    streamed: true,
    content: undefined,
    body: stream,
  };
}

beforeAll(() => server.listen());
afterEach(async () => {
  await Promise.all(clients.splice(0).map((each) => each.close()));
});
afterAll(() => server.close());

describe.each(['2026-07-28', '2025-11-25'] as const)('a client of %s', (revision) => {
  async function client(): Promise<Client> {
    const connected = await server.client(revision);
    clients.push(connected);
    body = new PassThrough();
    return connected;
  }

  it('that did not ask for progress is told nothing, and gets the whole', async () => {
    const connected = await client();
    body.end('data: one\n\ndata: two\n\n');
    const result = await connected.callTool({ name: 'ask' });
    expect(result).toMatchObject({ content: [{ type: 'text', text: 'data: one\n\ndata: two\n\n' }] });
  });

  it('that asked is told of each piece while the answer still comes, and gets the whole at the end', async () => {
    const connected = await client();
    const told: { progress: number; message?: string | undefined }[] = [];
    const result = connected.callTool({ name: 'ask' }, { onprogress: (progress) => told.push(progress) });
    const said = (): string => told.map(({ message }) => message).join('');
    body.write('data: one\n\nda');
    await until(() => said() === 'one\n', { what: 'the first piece' });
    body.write('ta: two\n\n');
    await until(() => said() === 'one\ntwo\n', { what: 'the second piece' });
    body.end('data: three\n\n');
    expect(await result).toMatchObject({
      content: [{ type: 'text', text: 'data: one\n\ndata: two\n\ndata: three\n\n' }],
    });
    expect(said()).toBe('one\ntwo\nthree\n');
    const steps = told.map(({ progress }) => progress);
    expect(steps).toEqual([...new Set(steps)].sort((a, b) => a - b));
  });

  it('that cancels in the middle ends the call', async () => {
    const connected = await client();
    const stop = new AbortController();
    let told = false;
    const refused = expect(
      connected.callTool({ name: 'ask' }, { signal: stop.signal, onprogress: () => (told = true) }),
    ).rejects.toThrow();
    body.write('data: one\n\n');
    await until(() => told);
    stop.abort();
    await refused;
    await until(() => body.destroyed, { what: 'the end of the call' });
  });

  it('that closes its connection in the middle ends the call', async () => {
    const connected = await client();
    let told = false;
    const refused = expect(
      connected.callTool({ name: 'ask' }, { onprogress: () => (told = true) }),
    ).rejects.toThrow();
    body.write('data: one\n\n');
    await until(() => told);
    await connected.close();
    await refused;
    await until(() => body.destroyed, { what: 'the end of the call' });
  });

  it('is told when the stream is cut off after its first piece', async () => {
    const connected = await client();
    let told = false;
    const result = connected.callTool({ name: 'ask' }, { onprogress: () => (told = true) });
    body.write('data: one\n\n');
    await until(() => told);
    body.destroy(new BrokerError('run_closed'));
    expect(await result).toMatchObject({
      isError: true,
      _meta: { 'leasegate/refusal': { code: 'run_closed' } },
    });
  });
});

describe('progress', () => {
  const told = async (contentType: string, chunks: readonly (string | Buffer)[]): Promise<Progress[]> => {
    const all: Progress[] = [];
    const progress = new CallProgress(contentType, async (one) => void all.push(one));
    for (const chunk of chunks) progress.chunk(Buffer.from(chunk as string));
    progress.end();
    return all;
  };

  it('of many pieces at once is few messages', async () => {
    const all = await told(
      'text/event-stream',
      Array.from({ length: 500 }, (_, index) => `data: ${index}\n\n`),
    );
    expect(all).toHaveLength(2);
    expect(all.map(({ message }) => message).join('')).toBe(
      Array.from({ length: 500 }, (_, index) => `${index}\n`).join(''),
    );
  });

  it('of text cuts no character in two, and of what is no text is nothing', async () => {
    const bytes = Buffer.from('é!');
    const all = await told('text/plain; charset=utf-8', [bytes.subarray(0, 1), bytes.subarray(1)]);
    expect(all.map(({ message }) => message).join('')).toBe('é!');
    expect(await told('image/png', ['abc'])).toEqual([]);
  });

  it('does not mind that nobody listens any more', async () => {
    const progress = new CallProgress('text/plain', () => Promise.reject(new Error('closed')));
    progress.chunk(Buffer.from('a'));
    progress.end();
    await new Promise((resolve) => setImmediate(resolve));
  });
});
