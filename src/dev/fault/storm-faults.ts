import { setTimeout as pause } from 'node:timers/promises';
import { CRASH_POINTS } from '../../kernel/crash-point.js';
import type { ArmedCut, CutMoment } from './cut.js';
import type { Fleet } from './fleet.js';
import type { CrashAction, Replica } from './replica.js';
import type { Seeded } from './seeded.js';

/** Points that a storm passes; calls through the gateway, signed checkpoints and large revocations are not part of it. */
const POINTS = CRASH_POINTS.filter(
  (point) => !/^(call|audit\.checkpoint|revocation|export|sink|archive)\./.test(point),
);
/** How long a fault waits for somebody to come by. */
const WAITS_MS = 500;
const LOOK_EVERY_MS = 20;

const VAULT_REQUESTS = [
  /^POST \/v1\/auth\/token\/create\//,
  /^GET \/v1\/database-\w+\/creds\//,
  /^POST \/v1\/sys\/leases\/renew$/,
  /^POST \/v1\/sys\/leases\/revoke$/,
  /^POST \/v1\/auth\/token\/revoke-accessor$/,
  /^POST \/v1\/sys\/leases\/lookup$/,
];
const VAULT_MOMENTS: readonly (CutMoment | number)[] = ['before', 'after', 'silent', 500, 503, 429];
const POSTGRES_WORDS: readonly { readonly words: string; readonly then?: string }[] = [
  { words: '"lease.requested"' },
  { words: '"lease.issued"' },
  { words: '"lease.renewed"' },
  { words: 'leases.end' },
  { words: "SET state = 'revoking', revoke_cause = $1", then: 'COMMIT' },
  { words: '"run.closed"', then: 'COMMIT' },
  { words: '"exchange.accepted"', then: 'COMMIT' },
  { words: 'SET claimed_by = $4::text' },
  { words: 'UPDATE scheduled_jobs SET' },
  { words: 'UPDATE audit_head', then: 'COMMIT' },
];
const POSTGRES_MOMENTS: readonly CutMoment[] = ['before', 'after', 'silent'];

/** Kills or stops one broker, at a point when it comes by one in time, else wherever it is. */
export async function crash(fleet: Fleet, random: Seeded, action: CrashAction): Promise<void> {
  const replica = await fleet.one(random);
  if (random.chance(0.7)) {
    const point = random.oneOf(POINTS);
    await replica.arm(point, action);
    const deadline = performance.now() + WAITS_MS;
    while (performance.now() < deadline && !(await hit(replica))) await pause(LOOK_EVERY_MS);
    await replica.disarm(point);
  }
  if (await hit(replica)) return;
  if (action === 'kill') await replica.kill();
  else fleet.freeze(replica);
}

/** Cuts one connection of one broker at a request; false when none came by in time. */
export async function cut(fleet: Fleet, random: Seeded): Promise<boolean> {
  const replica = await fleet.one(random);
  const armed = armCut(replica, random);
  let happened = false;
  void armed.happened.then(() => (happened = true));
  const deadline = performance.now() + WAITS_MS;
  while (!happened && performance.now() < deadline) await pause(LOOK_EVERY_MS);
  armed.disarm();
  return happened;
}

function armCut(replica: Replica, random: Seeded): ArmedCut {
  if (random.chance(0.5)) {
    return replica.vault.cut({
      request: random.oneOf(VAULT_REQUESTS),
      moment: random.oneOf(VAULT_MOMENTS),
    });
  }
  return replica.postgres.cut({ ...random.oneOf(POSTGRES_WORDS), moment: random.oneOf(POSTGRES_MOMENTS) });
}

/** Whether the process stopped by itself; a stop that was asked for from outside counts too. */
async function hit(replica: Replica): Promise<boolean> {
  return replica.exited || replica.noticeFreeze();
}
