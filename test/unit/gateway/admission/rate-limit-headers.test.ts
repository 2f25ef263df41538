import { expect, test } from 'vitest';
import { rateLimitHeaders } from '../../../../src/gateway/admission/rate-limit-headers.js';

test('a tool without limits has no headers, nor has money', () => {
  expect(rateLimitHeaders([])).toEqual({});
  const budget = { name: 'budget/run/total', limit: 9, remaining: 1, resetSeconds: 0, windowSeconds: 0 };
  expect(rateLimitHeaders([budget])).toEqual({});
});

test('each limit is one item of both lists, with its unit and window', () => {
  const headers = rateLimitHeaders([
    { name: 'budget/run/total', limit: 9, remaining: 1, resetSeconds: 0, windowSeconds: 0 },
    { name: 'calls/run/60', limit: 10, remaining: 4, resetSeconds: 17, windowSeconds: 60 },
    { name: 'concurrent/tool', limit: 3, remaining: 0, resetSeconds: 0, windowSeconds: 0 },
    { name: 'bytes/grant/3600', limit: 5_000, remaining: 1_200, resetSeconds: 3_000, windowSeconds: 3_600 },
  ]);
  expect(headers).toEqual({
    'ratelimit-policy':
      '"calls/run/60";q=10;qu="requests";w=60, "concurrent/tool";q=3;qu="concurrent-requests", "bytes/grant/3600";q=5000;qu="content-bytes";w=3600',
    ratelimit: '"calls/run/60";r=4;t=17, "concurrent/tool";r=0, "bytes/grant/3600";r=1200;t=3000',
  });
});
