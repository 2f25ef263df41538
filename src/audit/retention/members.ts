import type { Tx } from '../../database/transaction.js';
import type { ClosedRange } from './part-rebuild.js';

const PAGE = 20_000;

/** Which entries of a part are of these kinds: a bit for each index, the lowest of a byte first. */
export async function membersOf(
  tx: Tx,
  { fromIndex, toIndex }: ClosedRange,
  kinds: readonly string[],
): Promise<Buffer> {
  const members = Buffer.alloc((toIndex - fromIndex) / 8);
  for (let next = fromIndex; ;) {
    const rows = await tx.query<{ idx: string }[]>(
      `SELECT idx FROM audit_entry WHERE idx >= $1::bigint AND idx < $2::bigint AND kind = ANY($3::text[])
       ORDER BY idx LIMIT ${PAGE}`,
      [next, toIndex, kinds],
    );
    for (const { idx } of rows) {
      const at = Number(idx) - fromIndex;
      members[at >> 3] = (members[at >> 3] ?? 0) | (1 << (at & 7));
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return members;
    next = Number(last.idx) + 1;
  }
}

/** Whether the bit of the entry at this place is set. */
export function isMember(members: Buffer, at: number): boolean {
  return ((members[at >> 3] ?? 0) & (1 << (at & 7))) !== 0;
}
