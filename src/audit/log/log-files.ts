import { Injectable } from '@nestjs/common';
import { Transactions } from '../../database/transaction.js';
import { bundleOf, TILE_WIDTH, widthAt, type TileName } from '../../tlog/tile.js';
import { LogDamaged, LogTree } from './log-tree.js';

/** The bytes of tiles and bundles of entries, as https://c2sp.org/tlog-tiles has them. */
@Injectable()
export class LogFiles {
  constructor(
    private readonly transactions: Transactions,
    private readonly tree: LogTree,
  ) {}

  /** A tile or bundle of the tree of `size` leaves; undefined where that tree has no such one. */
  async read({ level, n, width }: TileName, size: number): Promise<Buffer | undefined> {
    if (width > widthAt(level === 'entries' ? 0 : level, n, size)) return undefined;
    if (level !== 'entries') return Buffer.concat(await this.tree.hashes(level, n, width));
    const first = n * TILE_WIDTH;
    const rows = await this.transactions.reads.query<{ leaf: Buffer }[]>(
      'SELECT leaf FROM audit_entry WHERE idx >= $1::bigint AND idx < $2::bigint ORDER BY idx',
      [first, first + width],
    );
    if (rows.length !== width)
      throw new LogDamaged(`there are ${rows.length} of ${width} entries from ${first} on`);
    return bundleOf(rows.map(({ leaf }) => leaf));
  }
}
