import type { Tx } from '../../database/transaction.js';

/** What came of a batch of log lines. */
export interface BatchSummary {
  /** SHA-256 of the batch, in hex. */
  readonly batch: string;
  /** Whether it was taken before: then nothing was counted again, and the numbers are those of the first time. */
  readonly repeated: boolean;
  readonly lines: number;
  /** Lines that are not of the format. */
  readonly unreadable: number;
  /** Records about a managed host or credential: ours, undecided and shadow together. */
  readonly managed: number;
  readonly ours: number;
  readonly undecided: number;
  readonly shadow: number;
  readonly events: number;
}

/** What is written down of a batch besides who sent it. */
export type BatchCounts = Omit<BatchSummary, 'batch' | 'repeated'>;

interface BatchRow {
  lines: string;
  unreadable: string;
  managed: string;
  ours: string;
  undecided: string;
  shadow: string;
  events: string;
}

/**
 * Writes a batch down; answers the earlier one when there is one with this digest and format. Two that come at the same
 * moment wait for each other here, so only one of them is counted.
 */
export async function insertBatch(
  tx: Tx,
  key: { readonly digest: Buffer; readonly format: string },
  counts: BatchCounts,
  received: { readonly at: Date; readonly by: string },
): Promise<BatchSummary> {
  const batch = key.digest.toString('hex');
  const inserted = await tx.query<unknown[]>(
    `INSERT INTO shadow_batches (digest, format, lines, unreadable, managed, ours, undecided, shadow, events, received_at, received_by)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING RETURNING 1`,
    [
      key.digest,
      key.format,
      counts.lines,
      counts.unreadable,
      counts.managed,
      counts.ours,
      counts.undecided,
      counts.shadow,
      counts.events,
      received.at,
      received.by,
    ],
  );
  if (inserted.length > 0) return { batch, repeated: false, ...counts };
  const [earlier] = await tx.query<BatchRow[]>(
    `SELECT lines, unreadable, managed, ours, undecided, shadow, events FROM shadow_batches
     WHERE digest = $1 AND format = $2`,
    [key.digest, key.format],
  );
  if (earlier === undefined) throw new Error('a batch that is there is not there');
  return {
    batch,
    repeated: true,
    lines: Number(earlier.lines),
    unreadable: Number(earlier.unreadable),
    managed: Number(earlier.managed),
    ours: Number(earlier.ours),
    undecided: Number(earlier.undecided),
    shadow: Number(earlier.shadow),
    events: Number(earlier.events),
  };
}
