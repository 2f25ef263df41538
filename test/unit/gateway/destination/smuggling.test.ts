import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { BrokerError } from '../../../../src/kernel/broker-error.js';
import { outboundParts, textOf } from '../../../support/outbound-parts.js';
import { startRawUpstream } from '../../../support/raw-upstream.js';
import { REFUSED_ANSWERS, TAKEN_ANSWERS, type AnswerCase } from './smuggling-corpus.js';

const OURS = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nours';

/** Asks for the answer of a case, then for another one, which must be its own. */
async function exchange(
  { bytes, ends, method }: AnswerCase,
  timeoutMs: number,
): Promise<{ first: unknown; second: string }> {
  const upstream = await startRawUpstream((head, _count, socket) => {
    if (head.includes('/second')) return OURS;
    if (ends !== true) return bytes;
    socket.end(bytes, 'latin1');
    return '';
  });
  const parts = outboundParts();
  try {
    const url = new URL('/first', upstream.origin);
    const first = await parts
      .send({ url, method: method ?? 'GET' }, { timeoutMs })
      .then(textOf)
      .catch((error: unknown) => error);
    const second = await parts.send({ url: new URL('/second', upstream.origin) }).then(textOf);
    return { first, second };
  } finally {
    await parts.stop();
    await upstream.stop();
  }
}

describe('smuggling corpus', () => {
  it.concurrent.each(REFUSED_ANSWERS)('refuses $name', async (entry) => {
    const { first, second } = await exchange(entry, 1_000);
    expect(first).toBeInstanceOf(BrokerError);
    // A head or chunk that never ends is no different from a provider that is slow, and one that hung up is gone.
    expect([
      'upstream_response_refused',
      'upstream_timeout',
      'upstream_unreachable',
      'redirect_refused',
    ]).toContain((first as BrokerError).code);
    expect(second).toBe('ours');
  });

  it.concurrent.each(TAKEN_ANSWERS)('takes $name', async (entry) => {
    const { first, second } = await exchange(entry, 30_000);
    expect(first).toBe(entry.body);
    expect(second).toBe('ours');
  });

  afterAll(() => {
    process.stdout.write(
      `smuggling corpus: ${REFUSED_ANSWERS.length} refused, ${TAKEN_ANSWERS.length} taken\n`,
    );
  });
});

describe('what is sent', () => {
  it('is one request, whatever is in its parts', async () => {
    const upstream = await startRawUpstream(() => OURS);
    const parts = outboundParts();
    const text = fc.string({
      unit: fc.constantFrom(...'aB%0d\r\n\0\t :;/\\?#\u00e9\u2028', 'x: y'),
      maxLength: 12,
    });
    try {
      await fc.assert(
        fc.asyncProperty(text, text, text, text, async (path, query, name, value) => {
          const url = new URL(upstream.origin);
          url.pathname = `/${path}`;
          url.search = query;
          const before = upstream.received.length;
          const body = Buffer.from('GET /smuggled HTTP/1.1\r\nHost: evil\r\n');
          const headers = { [`x-${name}`.toLowerCase()]: value };
          const sent = await parts
            .send({ url, method: 'POST', headers, body })
            .catch((error: unknown) => error);
          const written = upstream.received.slice(before);
          if (sent instanceof BrokerError) {
            expect(sent.code).toBe('request_invalid');
            return;
          }
          await textOf(sent as { body: import('node:stream').Readable });
          const [head = '', ...rest] = written.split('\r\n\r\n');
          const lines = head.split('\r\n');
          expect(rest.join('\r\n\r\n')).toBe(body.toString());
          expect(lines[0]).toMatch(/^POST \/[\x21-\x7e]* HTTP\/1\.1$/);
          expect(lines.slice(1).map((line) => line.slice(0, line.indexOf(':')))).toEqual([
            'host',
            'connection',
            `x-${name}`.toLowerCase(),
            'user-agent',
            'content-length',
          ]);
          expect(head).not.toMatch(/[\r\n](?![\n])(?<!\r\n)/);
        }),
        { seed: 4, numRuns: 400 },
      );
    } finally {
      await parts.stop();
      await upstream.stop();
    }
  });
});
