import { randomUUID } from 'node:crypto';
import { select } from '../../src/dev/fault/books.js';
import type { HandedLease } from '../../src/dev/fault/ledger.js';
import { DATABASE_ROLE } from '../../src/dev/engines.js';
import { until } from '../support/until.js';
import type { Scene } from './cell.js';

const CREDENTIAL = 'orders-readonly';
/** Long enough for what an act does with a lease, short enough that its end is seen. */
const TTL_SECONDS = 8;

/** The fault is met while a run is opened. */
export async function exchange(scene: Scene): Promise<void> {
  await scene.here();
  const token = await scene.worker.exchange(scene.runId, scene.subject, scene.replica);
  if (token !== undefined) await scene.worker.close(scene.runId, token);
}

/** While a lease is issued. */
export async function lease(scene: Scene): Promise<void> {
  const token = await opened(scene);
  await scene.here();
  const wanted = { credential: CREDENTIAL, ttlSeconds: TTL_SECONDS };
  const handed = await scene.worker.lease(scene.runId, token, wanted, scene.replica);
  if (handed !== undefined) await scene.worker.release(handed, token);
}

/** While a lease is issued whose credential Vault does not give. */
export async function leaseThatFails(scene: Scene): Promise<void> {
  const token = await opened(scene);
  await scene.here();
  scene.replica.vault.cut({ moment: 500, request: /^GET \/v1\/database-\w+\/creds\// });
  const wanted = { credential: CREDENTIAL, ttlSeconds: TTL_SECONDS };
  const handed = await scene.worker.lease(scene.runId, token, wanted, scene.replica);
  if (handed !== undefined) await scene.worker.release(handed, token);
}

/** While a lease is issued whose run is closed before the credential is there. */
export async function leaseThatIsTooLate(scene: Scene): Promise<void> {
  const token = await opened(scene);
  await scene.here();
  await scene.replica.arm('lease.issue.requested', 'freeze');
  const wanted = { credential: CREDENTIAL, ttlSeconds: TTL_SECONDS };
  const leased = scene.worker.lease(scene.runId, token, wanted, scene.replica);
  await until(() => scene.replica.frozen || scene.replica.exited, { what: 'the freeze', deadlineMs: 60_000 });
  await scene.worker.close(scene.runId, token);
  await scene.sprung();
  await leased;
}

/** While an earlier lease of the same idempotency key is ended. */
export async function supersede(scene: Scene): Promise<void> {
  const token = await opened(scene);
  const wanted = { credential: CREDENTIAL, ttlSeconds: TTL_SECONDS, key: randomUUID() };
  await scene.worker.lease(scene.runId, token, wanted);
  await scene.here();
  await scene.worker.lease(scene.runId, token, wanted, scene.replica);
  await scene.worker.close(scene.runId, token);
}

/** While a lease is renewed. */
export async function renew(scene: Scene): Promise<void> {
  const { token, handed } = await leased(scene, 5);
  await scene.here();
  await scene.worker.renew(handed, token, TTL_SECONDS, scene.replica);
  await scene.worker.release(handed, token);
}

/** While a worker gives a lease back. */
export async function release(scene: Scene): Promise<void> {
  const { token, handed } = await leased(scene, TTL_SECONDS);
  await scene.here();
  await scene.worker.release(handed, token, scene.replica);
  await scene.worker.close(scene.runId, token);
}

/** While a run with live leases is closed. */
export async function close(scene: Scene): Promise<void> {
  const { token } = await leased(scene, TTL_SECONDS);
  await scene.worker.lease(scene.runId, token, { credential: 'payments-api', ttlSeconds: TTL_SECONDS });
  await scene.here();
  await scene.worker.close(scene.runId, token, scene.replica);
}

/** While a grant with a run and a live lease is revoked. */
export async function revokeGrant(scene: Scene): Promise<void> {
  const subject = `jobs/${randomUUID()}`;
  const grant = await scene.world.grant(`fault-${randomUUID()}`, subject);
  const token = await opened({ ...scene, subject });
  await scene.worker.lease(scene.runId, token, { credential: CREDENTIAL, ttlSeconds: TTL_SECONDS });
  await scene.here();
  const path = `/v1/grants/${grant}/revoke`;
  await scene.worker.admin({ method: 'POST', path, body: {}, key: randomUUID() }, scene.replica);
}

/** While the time of a lease is up and nobody asks for anything. */
export async function expire(scene: Scene): Promise<void> {
  await leased(scene, 2);
  await scene.everywhere();
}

/** While the lease of a broker that died is found. */
export async function orphan(scene: Scene): Promise<void> {
  const token = await opened(scene);
  await scene.replica.arm('lease.issue.credential-read', 'kill');
  const wanted = { credential: CREDENTIAL, ttlSeconds: TTL_SECONDS };
  await Promise.race([scene.worker.lease(scene.runId, token, wanted, scene.replica), scene.replica.ended]);
  await scene.everywhere();
}

/** While a lease is found that Vault has lost. */
export async function lose(scene: Scene): Promise<void> {
  const { handed } = await leased(scene, 18);
  const [row] = await select<{ vault: string }>(
    scene.world.parts.databaseUrl,
    `SELECT vault_lease_id AS vault FROM leases WHERE id = '${handed.id}'`,
  );
  await scene.world.parts.vault.call('POST', 'sys/leases/revoke', { lease_id: row?.vault, sync: true });
  await scene.everywhere(() => scene.world.due('reconcile-vault'));
}

/** While a lease of our roles is found in Vault that no row knows. */
export async function findUnknown(scene: Scene): Promise<void> {
  const { vault, names } = scene.world.parts;
  await vault.call('GET', `${names.mounts.database}/creds/${DATABASE_ROLE}`);
  await scene.everywhere(() => scene.world.due('reconcile-vault'));
}

/** While events are sequenced, or a job is done: it comes round by itself. */
export async function comesRound(scene: Scene): Promise<void> {
  const { token } = await leased(scene, TTL_SECONDS);
  await scene.everywhere();
  await scene.worker.close(scene.runId, token);
}

async function opened({ worker, runId, subject }: Scene): Promise<string> {
  const token = await worker.exchange(runId, subject);
  if (token === undefined) throw new Error('no run token');
  return token;
}

async function leased(
  scene: Scene,
  ttlSeconds: number,
): Promise<{ readonly token: string; readonly handed: HandedLease }> {
  const token = await opened(scene);
  const handed = await scene.worker.lease(scene.runId, token, { credential: CREDENTIAL, ttlSeconds });
  if (handed === undefined) throw new Error('no lease');
  return { token, handed };
}
