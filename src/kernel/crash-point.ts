import { readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';

/** The moments at which fault tests stop a broker; one name per boundary between two durable effects. */
export const CRASH_POINTS = [
  'run.exchange.before-commit',
  'run.exchange.committed',
  'lease.issue.decided',
  'lease.issue.token-created',
  'lease.issue.requested',
  'lease.issue.credential-read',
  'lease.issue.issued',
  'lease.issue.failed',
  'lease.issue.too-late',
  'lease.supersede.marked',
  'lease.supersede.proved',
  'lease.renew.decided',
  'lease.renew.renewed',
  'lease.renew.written',
  'lease.expire.before-commit',
  'lease.expire.marked',
  'lease.revoke.marked',
  'lease.revoke.claimed',
  'lease.revoke.vault-revoked',
  'lease.revoke.accessor-revoked',
  'lease.revoke.proved',
  'lease.revoke.ended',
  'run.close.before-commit',
  'run.close.committed',
  'grant.end.before-commit',
  'grant.end.committed',
  'revocation.opened',
  'revocation.marked',
  'reconcile.issuing.before-commit',
  'reconcile.issuing.orphaned',
  'reconcile.lost.found',
  'reconcile.lost.marked',
  'reconcile.unknown.found',
  'reconcile.unknown.revoked',
  'job.claimed',
  'job.ran',
  'audit.sequence.taken',
  'audit.sequence.before-commit',
  'audit.sequence.committed',
  'audit.checkpoint.marked',
  'export.span-fixed',
  'export.written',
  'export.published',
  'export.moved',
  'sink.delivered',
  'sink.moved',
  'sink.letter.refused',
  'sink.letter.before-commit',
  'sink.letter.buried',
  'sink.letter.delivered',
  'archive.written',
  'archive.verified',
  'archive.recorded',
  'archive.remove.before-commit',
  'archive.removed',
  'archive.destroy.before-commit',
  'archive.destroyed',
  'call.decided',
  'call.started',
  'call.injected',
  'call.answered',
  'call.ended',
] as const;
export type CrashPoint = (typeof CRASH_POINTS)[number];

const armed = process.env['NODE_ENV'] === 'test' ? process.env['LEASEGATE_CRASH_AT'] : undefined;
const [armedPoint, armedAction] = armed?.startsWith('@') === true ? [] : (armed?.split(':') ?? []);
const folder = armed?.startsWith('@') === true ? armed.slice(1) : undefined;

/**
 * Stops the process when a test armed this point; inert outside `NODE_ENV=test`. `LEASEGATE_CRASH_AT` is `POINT` or
 * `POINT:kill` (SIGKILL), `POINT:freeze` (SIGSTOP, once: whoever armed it sends SIGCONT), or `@FOLDER`: then a file of
 * the point's name in that folder arms it, with `kill` or `freeze` in it. The process that passes it first takes the
 * file by adding its pid to the name, and the others go on.
 */
export function crashPoint(point: CrashPoint): void {
  if (armed === undefined) return;
  if (folder !== undefined) return stopIfTaken(join(folder, point));
  if (armedPoint === point && !frozenOnce) stop(armedAction);
}

let frozenOnce = false;

function stopIfTaken(file: string): void {
  const taken = `${file}.${process.pid}`;
  try {
    renameSync(file, taken);
  } catch {
    // Not armed, or another process was quicker.
    return;
  }
  stop(readFileSync(taken, 'utf8'));
}

function stop(action: string | undefined): void {
  frozenOnce = true;
  process.kill(process.pid, action === 'freeze' ? 'SIGSTOP' : 'SIGKILL');
}
