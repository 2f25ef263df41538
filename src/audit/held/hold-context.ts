import type { Tx } from '../../database/transaction.js';
import { ENTRY_COLUMNS, reachClause, type AuditReach } from '../audit-reach.js';
import type { GrantDecisionRecord, HoldUse } from './hold.js';

/** What a lease is used for: at Vault, at the target, and through the gateway. */
export const USE_KINDS = ['lease.used', 'account.connected', 'call.started', 'call.refused'] as const;
/** Uses of one hold that are counted; a gateway's lease may have had any number. */
const MOST_USES = 1_000;

interface DecisionRow {
  readonly grant_id: string;
  readonly version: number;
  readonly kind: string;
  readonly at: Date;
  readonly by_issuer: string | null;
  readonly by_subject: string | null;
  readonly idx: string;
}

interface UseRow {
  readonly lease_id: string;
  readonly kind: string;
  readonly events: number;
  readonly first_at: Date;
  readonly last_at: Date;
  readonly first_idx: string;
  readonly last_idx: string;
}

/** A version of a grant. */
export interface VersionKey {
  readonly grant_id: string | null;
  readonly grant_version: number | null;
}

/** The name under which decisions on a version stand in the answer of {@link decisionsOn}. */
export function versionName({ grant_id: id, grant_version: version }: VersionKey): string {
  return `${id ?? ''} ${version ?? ''}`;
}

/** Who decided on these versions, by {@link versionName}, in the order of the log. */
export async function decisionsOn(
  tx: Tx,
  versions: readonly VersionKey[],
): Promise<ReadonlyMap<string, readonly GrantDecisionRecord[]>> {
  const rows = await tx.query<DecisionRow[]>(
    `SELECT d.* FROM (SELECT DISTINCT * FROM unnest($1::uuid[], $2::integer[]) AS v (grant_id, version)) v
     JOIN grant_decisions d USING (grant_id, version) ORDER BY d.idx`,
    [versions.map(({ grant_id: id }) => id), versions.map(({ grant_version: version }) => version)],
  );
  const found = new Map<string, GrantDecisionRecord[]>();
  for (const row of rows) {
    const name = versionName({ grant_id: row.grant_id, grant_version: row.version });
    const { kind, at, by_issuer: issuer, by_subject: subject } = row;
    const decision = { kind, at, issuer, subject, index: Number(row.idx) };
    found.set(name, [...(found.get(name) ?? []), decision]);
  }
  return found;
}

/** A hold whose uses are asked for. */
export interface UsedHold {
  readonly lease_id: string;
  readonly run_ref: string | null;
  readonly credential: string | null;
  readonly delivery: string | null;
  readonly held_from: Date;
  readonly held_to: Date | null;
}

/**
 * What holds were used for, by lease, as far as the log says and the reader may see. Events name the lease; calls, whose
 * credential the gateway holds, are those of the same run that used it meanwhile.
 */
export async function usesOf(
  tx: Tx,
  holds: readonly UsedHold[],
  reach: AuditReach,
): Promise<ReadonlyMap<string, readonly HoldUse[]>> {
  const parameters: unknown[] = [
    holds.map((hold) => hold.lease_id),
    holds.map((hold) => hold.run_ref),
    holds.map((hold) => hold.credential),
    holds.map((hold) => hold.delivery === 'gateway'),
    holds.map((hold) => hold.held_from),
    holds.map((hold) => hold.held_to),
    USE_KINDS,
  ];
  const allowed = reachClause(reach, ENTRY_COLUMNS, (value) => `$${parameters.push(value)}`);
  const rows = await tx.query<UseRow[]>(
    `SELECT h.lease_id, u.* FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::boolean[], $5::timestamptz[],
       $6::timestamptz[]) AS h (lease_id, run_ref, credential, gateway, held_from, held_to)
     CROSS JOIN LATERAL (
       SELECT kind, count(*)::int AS events, min(occurred_at) AS first_at, max(occurred_at) AS last_at,
         min(idx) AS first_idx, max(idx) AS last_idx
       FROM (
         (SELECT kind, occurred_at, idx FROM audit_entry
          WHERE lease_id = h.lease_id AND kind = ANY($7::text[]) AND ${allowed} ORDER BY idx LIMIT ${MOST_USES})
         UNION ALL
         (SELECT kind, occurred_at, idx FROM audit_entry
          WHERE h.gateway AND run_ref = h.run_ref AND lease_id IS NULL AND kind = ANY($7::text[])
            AND audit_entry.credential = h.credential AND occurred_at >= h.held_from
            AND (h.held_to IS NULL OR occurred_at < h.held_to) AND ${allowed}
          ORDER BY idx LIMIT ${MOST_USES})
       ) uses GROUP BY kind) u`,
    parameters,
  );
  const found = new Map<string, HoldUse[]>();
  for (const row of rows) {
    const use = {
      kind: row.kind,
      events: row.events,
      firstAt: row.first_at,
      lastAt: row.last_at,
      firstIndex: Number(row.first_idx),
      lastIndex: Number(row.last_idx),
    };
    found.set(row.lease_id, [...(found.get(row.lease_id) ?? []), use]);
  }
  return found;
}

/** Whether all uses were counted. */
export function usesComplete(uses: readonly HoldUse[]): boolean {
  return uses.reduce((sum, { events }) => sum + events, 0) < MOST_USES;
}
