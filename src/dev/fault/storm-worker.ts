import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { FAULT_SUBJECT, type FaultWorld } from './fault-world.js';
import type { FaultWorker } from './fault-worker.js';
import type { HandedLease } from './ledger.js';
import type { Seeded } from './seeded.js';

const CREDENTIALS = ['orders-readonly', 'orders-readonly', 'orders-readonly', 'payments-api', 'internal-tls'];

/** One worker of a storm: run after run, with leases that it renews, gives back, or leaves lying until they expire. */
export async function workThrough(world: FaultWorld, name: string, signal: AbortSignal): Promise<void> {
  const worker = world.worker();
  const random = world.random.fork();
  for (let turn = 1; !signal.aborted; turn += 1) {
    const runId = `${name}-${turn}`;
    if (random.chance(0.05)) await turnWithGrant(world, worker, runId);
    else await turnOf(worker, random, runId);
  }
}

async function turnOf(worker: FaultWorker, random: Seeded, runId: string): Promise<void> {
  const token = await worker.exchange(runId, FAULT_SUBJECT);
  if (token === undefined) return;
  const leases: HandedLease[] = [];
  const wanted = random.between(1, 4);
  for (let count = 0; count < wanted; count += 1) {
    const ttlSeconds = random.between(3, 10);
    const lease = await worker.lease(runId, token, { credential: random.oneOf(CREDENTIALS), ttlSeconds });
    if (lease !== undefined) leases.push(lease);
  }
  await pause(random.between(0, 400));
  for (const lease of leases) {
    if (random.chance(0.3)) await worker.renew(lease, token, random.between(5, 12));
    if (random.chance(0.4)) await worker.release(lease, token);
  }
  // What is neither given back nor closed ends by its time.
  if (random.chance(0.7)) await worker.close(runId, token);
}

/** A run whose grant is revoked under it. */
async function turnWithGrant(world: FaultWorld, worker: FaultWorker, runId: string): Promise<void> {
  const subject = `jobs/${runId}`;
  const grant = await world.grant(`storm-${randomUUID()}`, subject);
  const token = await worker.exchange(runId, subject);
  if (token !== undefined) {
    await worker.lease(runId, token, { credential: 'orders-readonly', ttlSeconds: 10 });
  }
  const path = `/v1/grants/${grant}/revoke`;
  const answer = await worker.admin({ method: 'POST', path, body: {}, key: randomUUID() });
  if (answer !== undefined && answer.status < 300 && token !== undefined) world.ledger.ended(runId);
}
