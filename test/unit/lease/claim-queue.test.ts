import { expect, it } from 'vitest';
import { ClaimQueue } from '../../../src/lease/claim-queue.js';
import type { ClaimedLease } from '../../../src/lease/revocation-claims.js';

const claimed = (claim: string): ClaimedLease => ({ claim }) as unknown as ClaimedLease;

it('gives out what was claimed already, and asks for nothing more', async () => {
  const queue = ClaimQueue.of([claimed('a'), claimed('b')]);
  expect([await queue.take(), await queue.take(), await queue.take()]).toEqual([
    claimed('a'),
    claimed('b'),
    undefined,
  ]);
});

it('gives back what of it was not taken', async () => {
  const queue = ClaimQueue.of([claimed('a'), claimed('b'), claimed('c')]);
  const first = await queue.take();
  if (first !== undefined) queue.putBack(first);
  expect(await queue.rest()).toEqual([claimed('a'), claimed('b'), claimed('c')]);
  expect(await queue.take()).toBeUndefined();
});
