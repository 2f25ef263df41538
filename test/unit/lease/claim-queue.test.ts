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

it('goes on with what is being claimed meanwhile', async () => {
  let come: (claimed: readonly ClaimedLease[]) => void = () => undefined;
  const queue = ClaimQueue.of([claimed('a')], new Promise((resolve) => (come = resolve)));
  expect(await queue.take()).toEqual(claimed('a'));
  const next = queue.take();
  come([claimed('b'), claimed('c')]);
  expect([await next, await queue.take(), await queue.take()]).toEqual([
    claimed('b'),
    claimed('c'),
    undefined,
  ]);
});

it('gives back what was being claimed when nobody goes on', async () => {
  let come: (claimed: readonly ClaimedLease[]) => void = () => undefined;
  const queue = ClaimQueue.of([claimed('a')], new Promise((resolve) => (come = resolve)));
  const rest = queue.rest();
  come([claimed('b')]);
  expect(await rest).toEqual([claimed('a'), claimed('b')]);
});

it('throws that the others could not be claimed, once what was claimed is used up', async () => {
  const queue = ClaimQueue.of([claimed('a')], Promise.reject(new Error('no database')));
  expect(await queue.take()).toEqual(claimed('a'));
  await expect(queue.take()).rejects.toThrow('no database');
});
