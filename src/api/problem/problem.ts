import type { BrokerError } from '../../kernel/broker-error.js';
import { ConfirmationRequired } from '../../lease/kill/confirmation.js';
import { InvalidRequest } from './invalid-request.js';

/** An RFC 9457 problem, as the API answers it. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  readonly code: string;
  readonly reference: string;
  readonly field?: string;
  readonly errors?: readonly { readonly field: string; readonly message: string }[];
  /** Of a renewal that was refused. */
  readonly usable_until?: string | null;
  /** Of `confirmation_required`: what to send back, and how many leases would end. */
  readonly confirmation?: string;
  readonly leases?: number;
}

/** The problem that a refusal is; `internal` and `cause` stay behind. */
export function problemOf(error: BrokerError, reference: string, publicUrl: string): Problem {
  return {
    type: `${publicUrl.replace(/\/$/, '')}/problems/${error.code}`,
    title: error.title,
    status: error.status,
    ...(error.detail === undefined ? {} : { detail: error.detail }),
    code: error.code,
    reference,
    ...(error.field === undefined ? {} : { field: asSent(error.field) }),
    ...(error instanceof InvalidRequest && error.problems.length > 1
      ? { errors: error.problems.map(({ field, message }) => ({ field, message })) }
      : {}),
    ...(error.usableUntil === undefined ? {} : { usable_until: error.usableUntil?.toISOString() ?? null }),
    ...(error instanceof ConfirmationRequired
      ? { confirmation: error.confirmation, leases: error.leases }
      : {}),
  };
}

/** Members of specs whose names differ between the API and the domain. */
const SENT_AS: ReadonlyMap<string, string> = new Map(
  [
    'runIdClaim',
    'stepFrom',
    'stepIdClaim',
    'maxDurationSeconds',
    'maxTtlSeconds',
    'defaultTtlSeconds',
    'openRuns',
    'liveLeases',
    'liveLeasesPerRun',
    'expiresAt',
  ].map((name) => [name, name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)]),
);

/** A field that the domain named, under the name that the caller sent. Names of claims are the caller's own. */
function asSent(field: string): string {
  if (!field.startsWith('/') || field.startsWith('/workload/claims/')) return field;
  return field
    .split('/')
    .map((part) => SENT_AS.get(part) ?? part)
    .join('/');
}
