import type { Tx } from '../../database/transaction.js';
import type { SettingsValues } from '../../settings/schema.js';
import type { ClosedRange } from './part-rebuild.js';

interface Follower {
  /** `sink NAME` or `export NAME`. */
  readonly label: string;
  /** Undefined is all. */
  readonly kinds: readonly string[] | undefined;
  /** Where it begins that nobody has seen yet; undefined: at the end. */
  readonly begin: 0 | undefined;
}

/** Who of the settings reads the log by index, and has not read all entries of these kinds in a part yet. */
export async function behindFollowers(
  tx: Tx,
  settings: SettingsValues,
  { fromIndex, toIndex }: ClosedRange,
  kinds: readonly string[],
): Promise<readonly string[]> {
  const followers = followersOf(settings);
  if (followers.length === 0) return [];
  const rows = await tx.query<{ label: string; next_index: string }[]>(
    `SELECT 'sink ' || name AS label, next_index FROM sinks
     UNION ALL SELECT 'export ' || name, next_index FROM scheduled_exports`,
  );
  const cursors = new Map(rows.map(({ label, next_index: next }) => [label, Number(next)]));
  const behind = followers.filter(
    ({ label, kinds: wanted, begin }) =>
      (cursors.get(label) ?? begin ?? toIndex) < toIndex &&
      (wanted === undefined || kinds.some((kind) => matches(kind, wanted))),
  );
  if (behind.length === 0) return [];
  // The last entry that is about to go, rather than the end of the part: what comes behind it may be of others.
  const [row] = await tx.query<{ last: string | null }[]>(
    `SELECT max(idx) AS last FROM audit_entry WHERE idx >= $1::bigint AND idx < $2::bigint AND kind = ANY($3::text[])`,
    [fromIndex, toIndex, kinds],
  );
  const last = row?.last ?? null;
  if (last === null) return [];
  return behind
    .filter(({ label, begin }) => (cursors.get(label) ?? begin ?? toIndex) <= Number(last))
    .map(({ label }) => label);
}

function followersOf({ sinks, exports }: SettingsValues): readonly Follower[] {
  return [
    ...sinks.receivers.map(({ name, kinds, begin }) => ({
      label: `sink ${name}`,
      kinds,
      begin: begin === 'first' ? (0 as const) : undefined,
    })),
    ...exports.map(({ name, filter }) => ({
      label: `export ${name}`,
      kinds: filter?.kinds,
      begin: 0 as const,
    })),
  ];
}

function matches(kind: string, filter: readonly string[]): boolean {
  return filter.some((wanted) =>
    wanted.endsWith('.*') ? kind.startsWith(wanted.slice(0, -1)) : kind === wanted,
  );
}
