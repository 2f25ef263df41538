import { Injectable } from '@nestjs/common';
import { Transactions, type Tx } from '../../database/transaction.js';

/** A part of the log; about a month of it. */
export interface LogPart {
  readonly fromIndex: number;
  /** Without it; undefined while it is open. */
  readonly toIndex: number | undefined;
  /** When the next part was opened; undefined while it is open. */
  readonly cutAt: Date | undefined;
  /** No entry of it is still to come. */
  readonly closed: boolean;
  /** What of it is not, or not only, in the database. */
  readonly archives: readonly PartArchive[];
}

/**
 * Where the entries of a class are: `archived` both in the database and in a file, `removed` only in the file,
 * `restored` from the file into the database again, `destroyed` nowhere. Their hashes are always there.
 */
export type ArchiveState = 'archived' | 'removed' | 'restored' | 'destroyed';

/** A class of kinds in one part, once something was done with it. */
export interface PartArchive {
  readonly fromIndex: number;
  readonly class: string;
  readonly state: ArchiveState;
  readonly kinds: readonly string[];
  readonly entries: number;
  /** Time of the oldest entry. */
  readonly firstAt: Date;
  readonly lastAt: Date;
  /** Below `audit.retention.directory`; undefined when they were destroyed without one. */
  readonly file: string | undefined;
  /** Hex; of the file. */
  readonly sha256: string | undefined;
  readonly restoredAt: Date | undefined;
}

/** Entries of a class in a part that are not in the database. */
export interface GoneEntries {
  readonly fromIndex: number;
  readonly toIndex: number;
  readonly class: string;
  readonly kinds: readonly string[];
  /** Of the archive; undefined when they were destroyed. */
  readonly file: string | undefined;
}

interface ArchiveRow {
  readonly from_idx: string;
  readonly class: string;
  readonly state: ArchiveState;
  readonly kinds: readonly string[];
  readonly entries: string;
  readonly first_at: Date;
  readonly last_at: Date;
  readonly file: string | null;
  readonly sha256: Buffer | null;
  readonly restored_at: Date | null;
}

interface PartRow {
  readonly from_idx: string;
  readonly to_idx: string | null;
  readonly cut_at: Date | null;
  readonly closed: boolean;
}

/** The parts of the log. There is one a month: a log of centuries fits in one answer. */
@Injectable()
export class LogParts {
  constructor(private readonly transactions: Transactions) {}

  /** All of them, oldest first. */
  async list(tx: Tx = this.transactions.reads): Promise<readonly LogPart[]> {
    const rows = await tx.query<PartRow[]>(
      `SELECT p.from_idx, p.to_idx, p.cut_at, coalesce(p.to_idx <= h.size, false) AS closed
       FROM audit_part p CROSS JOIN audit_head h ORDER BY p.from_idx`,
    );
    const archives = (
      await tx.query<ArchiveRow[]>('SELECT * FROM audit_archive ORDER BY from_idx, class')
    ).map(archiveOf);
    return rows.map((row) => ({
      fromIndex: Number(row.from_idx),
      toIndex: row.to_idx === null ? undefined : Number(row.to_idx),
      cutAt: row.cut_at ?? undefined,
      closed: row.closed,
      archives: archives.filter(({ fromIndex }) => fromIndex === Number(row.from_idx)),
    }));
  }

  /** The first index from which on every entry is in the database. */
  async presentFrom(): Promise<number> {
    return (await this.gone()).at(-1)?.toIndex ?? 0;
  }

  /** What has left the database, oldest first. */
  async gone(): Promise<readonly GoneEntries[]> {
    return (await this.list()).flatMap(({ fromIndex, toIndex, archives }) =>
      archives
        .filter(({ state, entries }) => entries > 0 && (state === 'removed' || state === 'destroyed'))
        .map(({ class: name, kinds, state, file }) => ({
          ...{ fromIndex, toIndex: toIndex ?? fromIndex, class: name, kinds },
          file: state === 'destroyed' ? undefined : file,
        })),
    );
  }

  /**
   * Ends the open part when its month is over; answers whether it did. A large part is prepared in one call and cut in
   * the next. Throws when somebody reads the log for so long that it could not be cut: try again later.
   */
  async cutMonth(tx: Tx = this.transactions.reads): Promise<boolean> {
    const [row] = await tx.query<{ boundary: string | null }[]>('SELECT cut_audit_month() AS boundary');
    return row !== undefined && row.boundary !== null;
  }
}

function archiveOf(row: ArchiveRow): PartArchive {
  return {
    fromIndex: Number(row.from_idx),
    class: row.class,
    state: row.state,
    kinds: row.kinds,
    entries: Number(row.entries),
    firstAt: row.first_at,
    lastAt: row.last_at,
    file: row.file ?? undefined,
    sha256: row.sha256?.toString('hex'),
    restoredAt: row.restored_at ?? undefined,
  };
}
