/** The moments at which fault tests stop a broker; one name per boundary between two durable effects. */
export const CRASH_POINTS = [
  'lease.issue.decided',
  'lease.issue.token-created',
  'lease.issue.requested',
  'lease.issue.credential-read',
  'lease.issue.issued',
  'lease.renew.renewed',
  'lease.revoke.claimed',
  'lease.revoke.vault-revoked',
  'lease.revoke.accessor-revoked',
  'run.close.committed',
  'audit.sequence.before-commit',
  'call.decided',
  'call.started',
  'call.injected',
  'call.answered',
  'call.ended',
] as const;
export type CrashPoint = (typeof CRASH_POINTS)[number];

const armed = process.env['NODE_ENV'] === 'test' ? process.env['LEASEGATE_CRASH_AT'] : undefined;

/** Ends the process with SIGKILL when a test armed this point; inert outside `NODE_ENV=test`. */
export function crashPoint(point: CrashPoint): void {
  if (armed === point) process.kill(process.pid, 'SIGKILL');
}
