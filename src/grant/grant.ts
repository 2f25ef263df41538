import { BrokerError } from '../kernel/broker-error.js';
import type { GrantSpec } from './grant-spec.js';

/** States of a grant; only `active` allows anything. */
export const GRANT_STATES = [
  'draft',
  'pending_approval',
  'active',
  'suspended',
  'revoked',
  'expired',
] as const;
export type GrantState = (typeof GRANT_STATES)[number];

/**
 * What can happen to a grant, and from where. The database enforces the same machine (`state_transitions`).
 *
 *                    activate, if approval is required
 *   draft ──────────────────────────────► pending_approval ◄──┐
 *     │                                         │ approve     │ change, if approval is required
 *     │ activate                                ▼             │
 *     └──────────────────────────────────────► active ────────┘
 *                                              │    ▲
 *                                      suspend │    │ resume (of an approved version, if approval is required)
 *                                              ▼    │
 *                                             suspended
 *
 *   any of these ── revoke ──► revoked         pending_approval, active, suspended ── expire ──► expired
 *
 * A change keeps `draft`, `pending_approval` and `suspended` as they are. `revoked` and `expired` are for good: a
 * successor is another grant.
 */
export const GRANT_ACTS = {
  change: ['draft', 'pending_approval', 'active', 'suspended'],
  activate: ['draft'],
  approve: ['pending_approval', 'suspended'],
  suspend: ['active'],
  resume: ['suspended'],
  revoke: ['draft', 'pending_approval', 'active', 'suspended'],
  expire: ['pending_approval', 'active', 'suspended'],
} as const satisfies Record<string, readonly GrantState[]>;
export type GrantAct = keyof typeof GRANT_ACTS;

/** Refuses an act that the state does not allow, with `state_transition_refused`. */
export function checkAct(act: GrantAct, state: GrantState): void {
  const from: readonly GrantState[] = GRANT_ACTS[act];
  if (from.includes(state)) return;
  throw new BrokerError('state_transition_refused', { detail: `${act} is refused: the grant is ${state}` });
}

/** A grant at one of its versions. */
export interface Grant {
  readonly id: string;
  readonly name: string;
  /** State of the grant, whichever version this is. */
  readonly state: GrantState;
  readonly version: number;
  readonly spec: GrantSpec;
  /** From this moment on it allows nothing, whatever its state says. */
  readonly expiresAt: Date | null;
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly updatedAt: Date;
  /** What an admin should look at; never a reason to refuse. */
  readonly warnings: readonly string[];
}

/** One version of a grant, as it was saved. */
export interface GrantVersion {
  readonly grantId: string;
  readonly version: number;
  readonly spec: GrantSpec;
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly approvedBy: string | null;
}
