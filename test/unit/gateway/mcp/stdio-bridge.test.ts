import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventData } from '../../../../src/cli/mcp/event-stream.js';
import { StdioBridge } from '../../../../src/cli/mcp/stdio-bridge.js';

interface Posted {
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

/** A bridge to a broker that answers as told, and what it wrote. */
function bridgeTo(answer: (posted: Posted) => Response | Promise<Response>): {
  readonly bridge: StdioBridge;
  readonly posted: Posted[];
  readonly lines: string[];
  readonly messages: () => unknown[];
} {
  const posted: Posted[] = [];
  const lines: string[] = [];
  const bridge = new StdioBridge({
    post: async (body, headers, signal) => {
      posted.push({ body, headers, signal });
      return answer({ body, headers, signal });
    },
    write: (line) => lines.push(line),
    explain: (error) => ({ code: 'broker_unreachable', detail: (error as Error).message }),
  });
  return { bridge, posted, lines, messages: () => lines.map((line) => JSON.parse(line) as unknown) };
}

const json = (value: unknown, status = 200, type = 'application/json'): Response =>
  new Response(JSON.stringify(value), { status, headers: { 'content-type': type } });
const request = (id: unknown, method = 'tools/list', params: unknown = {}): string =>
  JSON.stringify({ jsonrpc: '2.0', id, method, params });
const modern = { _meta: { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' } };

describe('a line that is no message', () => {
  it.each([
    ['{', -32_700],
    ['[]', -32_600],
    ['{"id":1}', -32_600],
    ['{"jsonrpc":"1.0","id":1,"method":"x"}', -32_600],
    ['{"jsonrpc":"2.0","id":{},"method":"x"}', -32_600],
  ])('%s is answered with an error and goes nowhere', async (line, code) => {
    const { bridge, posted, messages } = bridgeTo(() => json({}));
    bridge.take(line);
    await bridge.idle();
    expect(posted).toEqual([]);
    expect(messages()).toMatchObject([{ jsonrpc: '2.0', id: null, error: { code } }]);
  });
});

describe('a request that gets no answer', () => {
  it('is answered with the refusal of the broker', async () => {
    const problem = { code: 'grant_not_found', detail: 'none matches', reference: 'r-1' };
    const { bridge, messages } = bridgeTo(() => json(problem, 403, 'application/problem+json'));
    bridge.take(request(1));
    await bridge.idle();
    expect(messages()).toMatchObject([
      { id: 1, error: { code: -32_603, data: { code: 'grant_not_found', reference: 'r-1' } } },
    ]);
  });

  it('is answered when the broker is not there, or breaks off', async () => {
    const { bridge, messages } = bridgeTo(({ body }) => {
      if (body.includes('"tools/call"'))
        return new Response('data: {"jsonrpc"', { headers: { 'content-type': 'text/event-stream' } });
      throw new Error('connection refused');
    });
    bridge.take(request('a'));
    bridge.take(request('b', 'tools/call'));
    await bridge.idle();
    expect(messages()).toMatchObject([
      { id: 'a', error: { message: 'broker_unreachable: connection refused' } },
      { id: 'b', error: { code: -32_603 } },
    ]);
  });

  it('is not answered at all once it is cancelled, and its connection is closed', async () => {
    const { bridge, posted, lines } = bridgeTo(
      ({ signal }) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => reject(new Error('aborted'))),
        ),
    );
    bridge.take(request(7, 'tools/call'));
    bridge.take(
      JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 7 } }),
    );
    await bridge.idle();
    expect(posted.map(({ signal }) => signal.aborted)).toEqual([true]);
    expect(lines).toEqual([]);
  });
});

describe('a request', () => {
  it('says in headers what the revision of 2026 wants there', async () => {
    const { bridge, posted } = bridgeTo(({ body }) => json({ ...(JSON.parse(body) as object), result: {} }));
    bridge.take(request(1, 'tools/call', { ...modern, name: 'orders' }));
    bridge.take(request(2, 'tools/call', { ...modern, name: 'größe\n' }));
    bridge.take(request(3, 'tools/list', modern));
    await bridge.idle();
    expect(
      posted.map(({ headers }) => [
        headers['mcp-protocol-version'],
        headers['mcp-method'],
        headers['mcp-name'],
      ]),
    ).toEqual([
      ['2026-07-28', 'tools/call', 'orders'],
      ['2026-07-28', 'tools/call', `=?base64?${Buffer.from('größe\n').toString('base64')}?=`],
      ['2026-07-28', 'tools/list', undefined],
    ]);
  });

  it('says the revision of the handshake afterwards, as those of 2025 want', async () => {
    const { bridge, posted, messages } = bridgeTo(({ body }) => {
      const { id, method } = JSON.parse(body) as { id: number; method: string };
      if (method === 'notifications/initialized') return new Response(null, { status: 202 });
      const answer = { jsonrpc: '2.0', id, result: { protocolVersion: '2025-11-25' } };
      return new Response(`: hello\n\nevent: message\ndata: ${JSON.stringify(answer)}\n\n`, {
        headers: { 'content-type': 'text/event-stream' },
      });
    });
    bridge.take(request(0, 'initialize'));
    await bridge.idle();
    bridge.take('{"jsonrpc":"2.0","method":"notifications/initialized"}');
    bridge.take(request(1));
    await bridge.idle();
    expect(posted.map(({ headers }) => headers['mcp-protocol-version'])).toEqual([
      undefined,
      '2025-11-25',
      '2025-11-25',
    ]);
    expect(posted.every(({ headers }) => headers['mcp-method'] === undefined)).toBe(true);
    expect(messages()).toHaveLength(2);
  });

  it('gets its answer on one line, also where that was several', async () => {
    const { bridge, lines } = bridgeTo(
      () =>
        new Response('{\n "jsonrpc": "2.0",\n "id": 1,\n "result": {"a": "\\n"}\n}', {
          headers: { 'content-type': 'application/json' },
        }),
    );
    bridge.take(request(1));
    await bridge.idle();
    expect(lines).toEqual(['{"jsonrpc":"2.0","id":1,"result":{"a":"\\n"}}\n']);
  });
});

it('reads events however they are cut into chunks', async () => {
  const event = fc.array(fc.stringMatching(/^[a-zä€ :]{0,6}$/), { minLength: 1, maxLength: 3 });
  const ending = fc.constantFrom('\n', '\r\n', '\r');
  await fc.assert(
    fc.asyncProperty(
      fc.array(event, { maxLength: 5 }),
      ending,
      fc.integer({ min: 1, max: 9 }),
      async (events, end, size) => {
        const text = events
          .map((lines) => `: comment${end}${lines.map((line) => `data: ${line}${end}`).join('')}${end}`)
          .join('');
        const bytes = Buffer.from(`${text}data: cut off`);
        const body = new ReadableStream<Uint8Array>({
          start(controller) {
            for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.subarray(at, at + size));
            controller.close();
          },
        });
        const seen: string[] = [];
        for await (const data of eventData(body)) seen.push(data);
        expect(seen).toEqual(events.map((lines) => lines.join('\n')));
      },
    ),
    { seed: 728, numRuns: 200 },
  );
});
