import { expect, it } from 'vitest';
import { OpenRequests } from '../../../../src/api/mcp/open-requests.js';

it('cancels nothing that it cannot tell apart', () => {
  const requests = new OpenRequests();
  const [one, other] = [new AbortController(), new AbortController()];
  requests.add('token', 1, one);
  const done = requests.add('token', 1, other);
  expect(requests.cancel('token', 1)).toBe(false);
  done();
  expect(requests.cancel('token', '1')).toBe(false);
  expect(requests.cancel('another', 1)).toBe(false);
  expect(one.signal.aborted || other.signal.aborted).toBe(false);
  expect(requests.cancel('token', 1)).toBe(true);
  expect([one.signal.aborted, other.signal.aborted]).toEqual([true, false]);
});

it('forgets what is done', () => {
  const requests = new OpenRequests();
  requests.add('token', 'a', new AbortController())();
  expect(requests.cancel('token', 'a')).toBe(false);
});
