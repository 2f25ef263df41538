import type { RevokeCause } from '../../audit/revoke-cause.js';
import type { Caller } from '../../kernel/caller.js';
import type { LeaseSelector } from '../lease-selector.js';

/** What can be killed together. */
export type KillSelector = Exclude<LeaseSelector, { readonly revocationId: string }>;

/**
 * States of a revocation. The database enforces the same machine (`state_transitions`).
 *
 *   marking ──► revoking ──► done     nothing of it is outstanding
 *      └──────────────────────┘
 *
 * From the start nothing new is leased; `marking` gathers what was live, in bounded steps.
 */
export const REVOCATION_STATES = ['marking', 'revoking', 'done'] as const;
export type RevocationState = (typeof REVOCATION_STATES)[number];

/** Leases that were revoked together, by one act. */
export interface Revocation {
  readonly id: string;
  readonly selector: KillSelector;
  readonly cause: RevokeCause;
  readonly reason: string | null;
  /** Who asked for it. */
  readonly caller: Caller;
  readonly requestedBy: string;
  readonly requestedAt: Date;
  /** Whether it has events of its own; the end of a run or a grant has one that says it. */
  readonly announced: boolean;
  readonly state: RevocationState;
  readonly finishedAt: Date | null;
}

/** How far the leases of a revocation are, at one mount or in all. */
export interface RevocationCounts {
  readonly leases: number;
  /** Vault confirmed that they are gone. */
  readonly proved: number;
  readonly outstanding: number;
  /** Outstanding ones of which an attempt has failed. */
  readonly failing: number;
  /** Given up by an admin: they may be alive. */
  readonly forgotten: number;
  /** Ended ones whose secret outlives them: static secrets, and certificates without a lease. */
  readonly secretLivesOn: number;
}

/** The counts of one mount, and what holds it up. */
export interface MountProgress extends RevocationCounts {
  readonly mount: string;
  readonly lastError: string | null;
  readonly nextAttemptAt: Date | null;
}

/** A revocation and how far it is. While it is `marking`, the counts still grow. */
export interface RevocationProgress extends RevocationCounts {
  readonly revocation: Revocation;
  readonly mounts: readonly MountProgress[];
}

/** The sum of the mounts. */
export function sumOf(mounts: readonly RevocationCounts[]): RevocationCounts {
  const sum = (name: keyof RevocationCounts): number =>
    mounts.reduce((total, counts) => total + counts[name], 0);
  return {
    leases: sum('leases'),
    proved: sum('proved'),
    outstanding: sum('outstanding'),
    failing: sum('failing'),
    forgotten: sum('forgotten'),
    secretLivesOn: sum('secretLivesOn'),
  };
}
