import { Readable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { CALL_META, REFUSAL_META, refusalOf, resultOf } from '../../../../src/api/mcp/call-result.js';
import type { CallAnswer } from '../../../../src/gateway/call/call-answer.js';
import { BrokerError } from '../../../../src/kernel/broker-error.js';

function answer(body: string | Buffer, contentType: string, status = 200): CallAnswer {
  const bytes = Buffer.from(body as string);
  return {
    callId: 'call-1',
    tool: 'orders',
    toolVersion: 3,
    status,
    headers: {},
    contentType,
    streamed: false,
    content: bytes,
    body: Readable.from([bytes]),
    limits: [],
    findings: () => [{ kind: 'email', count: 2 }],
    settled: Promise.resolve({
      outcome: 'success',
      code: undefined,
      requestBytes: 1,
      responseBytes: bytes.length,
      costMicros: 1_500,
      units: {},
    }),
    ended: Promise.resolve(),
  };
}

describe('a refusal', () => {
  it('says code, field and when to try again, and nothing that is not for callers', () => {
    const error = new BrokerError('rate_limited', {
      detail: 'calls/run/60',
      internal: 'not for callers',
      retryAfterSeconds: 1.2,
      cause: new Error('not for callers'),
    });
    const result = refusalOf(error, '/limit', 'ref-1');
    expect(result).toEqual({
      isError: true,
      content: [{ type: 'text', text: 'rate_limited: calls/run/60\nfield: /limit\ntry again after 2 s' }],
      _meta: {
        [REFUSAL_META]: {
          code: 'rate_limited',
          status: 429,
          reference: 'ref-1',
          field: '/limit',
          retry_after_seconds: 2,
        },
      },
    });
  });

  it('is what a stream becomes that was cut off', async () => {
    const cut = {
      ...answer('', 'text/event-stream'),
      streamed: true,
      content: undefined,
      body: failing(new BrokerError('run_closed')),
    };
    await expect(resultOf(cut, false)).rejects.toMatchObject({ code: 'run_closed' });
  });
});

describe('an answer', () => {
  it('of an error status is an error of the tool, with its text', async () => {
    const result = await resultOf(answer('{"error":"no such order"}', 'application/json', 404), true);
    expect(result.isError).toBe(true);
    expect(result.structuredContent).toBeUndefined();
    expect(result.content).toEqual([{ type: 'text', text: '{"error":"no such order"}' }]);
  });

  it('carries its structure where one is promised, and which call it was', async () => {
    const result = await resultOf(answer('{"a":1}', 'application/problem+json; charset=utf-8'), true);
    expect(result).toEqual({
      content: [{ type: 'text', text: '{"a":1}' }],
      structuredContent: { a: 1 },
      _meta: {
        [CALL_META]: {
          id: 'call-1',
          tool: 'orders',
          tool_version: 3,
          status: 200,
          cost_micros: 1_500,
          findings: [{ kind: 'email', count: 2 }],
        },
      },
    });
    expect((await resultOf(answer('{"a":1}', 'application/json'), false)).structuredContent).toBeUndefined();
  });

  it.each([
    ['image/png', { type: 'image', data: 'AAE=', mimeType: 'image/png' }],
    ['audio/wav', { type: 'audio', data: 'AAE=', mimeType: 'audio/wav' }],
    [
      'application/pdf',
      {
        type: 'resource',
        resource: { uri: 'leasegate:call/call-1', mimeType: 'application/pdf', blob: 'AAE=' },
      },
    ],
  ])('of %s goes as what it is', async (type, content) => {
    expect((await resultOf(answer(Buffer.from([0, 1]), type), false)).content).toEqual([content]);
  });

  it('without a body says so', async () => {
    expect((await resultOf(answer('', '', 204), false)).content).toEqual([
      { type: 'text', text: 'status 204, no content' },
    ]);
  });
});

function failing(error: Error): Readable {
  return new Readable({
    read() {
      this.destroy(error);
    },
  });
}
