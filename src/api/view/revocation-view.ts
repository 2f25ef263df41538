import { z } from 'zod';
import { REVOKE_CAUSES } from '../../audit/revoke-cause.js';
import type { KillPreview } from '../../lease/kill/preview.js';
import {
  REVOCATION_STATES,
  type KillSelector,
  type RevocationCounts,
  type RevocationProgress,
} from '../../lease/kill/revocation.js';
import { instant, uuid } from '../schema/fields.js';
import { instantOf, instantOrNull } from './page-view.js';

const counts = {
  leases: z.int().describe('live leases that it is about'),
  proved: z.int().describe('of which Vault confirmed that they are gone'),
  outstanding: z.int().describe('that are still being revoked'),
  failing: z.int().describe('outstanding ones of which an attempt has failed'),
  forgotten: z.int().describe('that an admin gave up; they may be alive'),
  secret_lives_on: z.int().describe('whose secret outlives their end: static secrets, plain certificates'),
};

/** Leases that are revoked together, and how far that is. */
export const revocationProgressView = z
  .object({
    id: uuid.nullable().describe('null for a dry run'),
    state: z
      .enum(['preview', ...REVOCATION_STATES])
      .describe('`marking`: the counts still grow; `preview`: nothing was done'),
    selector: z.record(z.string(), z.union([z.string(), z.array(z.string())])),
    cause: z.enum(REVOKE_CAUSES).nullable(),
    reason: z.string().nullable(),
    requested_by: z.string().nullable(),
    requested_at: instant.nullable(),
    finished_at: instant.nullable(),
    runs: z.int().nullable().describe('of a dry run: open runs that would end or lose leases'),
    ...counts,
    mounts: z.array(
      z.object({
        mount: z.string().describe('empty for leases whose rows were dropped'),
        ...counts,
        last_error: z.string().nullable(),
        next_attempt_at: instant.nullable(),
      }),
    ),
  })
  .meta({ id: 'RevocationProgressView' });
export type RevocationProgressView = z.output<typeof revocationProgressView>;

/** What callers see of a revocation. */
export function revocationProgressViewOf(progress: RevocationProgress): RevocationProgressView {
  const { revocation } = progress;
  return {
    id: revocation.id,
    state: revocation.state,
    selector: selectorViewOf(revocation.selector),
    cause: revocation.cause,
    reason: revocation.reason,
    requested_by: revocation.requestedBy,
    requested_at: instantOf(revocation.requestedAt),
    finished_at: instantOrNull(revocation.finishedAt),
    runs: null,
    ...countsOf(progress),
    mounts: progress.mounts.map((mount) => ({
      mount: mount.mount,
      ...countsOf(mount),
      last_error: mount.lastError,
      next_attempt_at: instantOrNull(mount.nextAttemptAt),
    })),
  };
}

/** What callers see of a dry run. */
export function previewViewOf(selector: KillSelector, preview: KillPreview): RevocationProgressView {
  const none = { proved: 0, outstanding: 0, failing: 0, forgotten: 0 };
  return {
    id: null,
    state: 'preview',
    selector: selectorViewOf(selector),
    cause: null,
    reason: null,
    requested_by: null,
    requested_at: null,
    finished_at: null,
    runs: preview.runs,
    leases: preview.leases,
    ...none,
    secret_lives_on: preview.secretLivesOn,
    mounts: preview.mounts.map(({ mount, leases }) => ({
      mount,
      leases,
      ...none,
      secret_lives_on: 0,
      last_error: null,
      next_attempt_at: null,
    })),
  };
}

function countsOf(of: RevocationCounts): Pick<RevocationProgressView, keyof typeof counts> {
  return {
    leases: of.leases,
    proved: of.proved,
    outstanding: of.outstanding,
    failing: of.failing,
    forgotten: of.forgotten,
    secret_lives_on: of.secretLivesOn,
  };
}

/** The selector under the names that callers send. */
function selectorViewOf(selector: KillSelector): Record<string, string | string[]> {
  if ('leaseIds' in selector) return { leases: [...selector.leaseIds] };
  if ('runRef' in selector) return { run: selector.runRef };
  if ('grantId' in selector) return { grant: selector.grantId };
  if ('label' in selector) return { label: `${selector.label}=${selector.value}` };
  if ('mount' in selector) return { target: selector.mount };
  return { ...selector };
}
