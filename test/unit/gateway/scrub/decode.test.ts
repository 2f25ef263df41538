import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { contentForm } from '../../../../src/gateway/scrub/content-type.js';
import { decodeBody } from '../../../../src/gateway/scrub/decode.js';

const TEXT = Buffer.from('{"text":"so it is"}'.repeat(50));
const LIMIT = 10_000;

describe('a content encoding', () => {
  it.each(['zstd', 'compress', 'constructor', 'gzip;q=1', 'gzip, snappy'])(
    'that is not known is refused: %s',
    async (encoding) => {
      await expect(decodeBody(TEXT, encoding, LIMIT)).rejects.toMatchObject({ code: 'response_unreadable' });
    },
  );

  it.each([
    ['gzip', gzipSync(TEXT).subarray(0, 40)],
    ['gzip', TEXT],
    ['br', TEXT],
    ['deflate', gzipSync(TEXT)],
    ['gzip, gzip, gzip', TEXT],
  ])('of damaged data is refused: %s', async (encoding, body) => {
    await expect(decodeBody(body, encoding, LIMIT)).rejects.toMatchObject({
      code: 'upstream_response_refused',
    });
  });

  it.each([
    ['gzip', gzipSync(Buffer.alloc(50_000_000))],
    ['br', brotliCompressSync(Buffer.alloc(50_000_000))],
    ['deflate', deflateSync(Buffer.alloc(50_000_000))],
    ['gzip, gzip', gzipSync(gzipSync(Buffer.alloc(50_000_000)))],
  ])('that grows without bound is refused: %s', async (encoding, bomb) => {
    expect(bomb.length).toBeLessThan(60_000);
    await expect(decodeBody(bomb, encoding, LIMIT)).rejects.toMatchObject({
      code: 'upstream_response_refused',
    });
  });

  it.each([
    [undefined, TEXT],
    ['', TEXT],
    ['identity', TEXT],
    ['gzip', gzipSync(TEXT)],
    ['X-GZIP', gzipSync(TEXT)],
    ['deflate', deflateSync(TEXT)],
    ['deflate', deflateRawSync(TEXT)],
    ['br', brotliCompressSync(TEXT)],
    ['gzip, br', brotliCompressSync(gzipSync(TEXT))],
    ['gzip', Buffer.alloc(0)],
  ])('is undone: %s', async (encoding, body) => {
    expect(await decodeBody(body, encoding, LIMIT)).toEqual(body.length === 0 ? body : TEXT);
  });
});

describe('a content type', () => {
  it.each([
    ['application/json', 'json'],
    ['Application/Problem+JSON; charset="UTF-8"', 'json'],
    ['application/x-ndjson', 'json'],
    ['text/event-stream;charset=utf-8', 'events'],
    ['text/html; charset=iso-8859-1', 'text'],
    ['application/x-www-form-urlencoded', 'text'],
    ['image/svg+xml', 'text'],
    ['multipart/form-data; boundary=x', 'text'],
    ['application/pdf', 'unreadable'],
    ['text/plain; charset=utf-16le', 'unreadable'],
    ['text/plain; charset=ibm037', 'unreadable'],
    ['', 'unreadable'],
  ])('%s is %s', (contentType, form) => {
    expect(contentForm(contentType)).toBe(form);
  });
});
