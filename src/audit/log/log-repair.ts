import { Injectable } from '@nestjs/common';
import type { Tx } from '../../database/transaction.js';
import { systemCaller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import { Ids } from '../../kernel/ids.js';
import { edgeLevels } from '../../tlog/edge.js';
import { TILE_WIDTH, tileRoot } from '../../tlog/tile.js';
import { AuditInbox } from '../audit-inbox.js';
import { LogDamaged, LogTree } from './log-tree.js';

/** More than this, and a backup is the better way. */
const MOST_LOST = 10_000;

/** What a log is, once it is whole again. */
export interface RepairedLog {
  readonly size: number;
  readonly root: Buffer;
  /** Entries that were gone. */
  readonly lost: number;
}

/**
 * Makes a log that was damaged one that can go on: never by changing what is there, and only as a log of another origin,
 * since its root becomes another one. What is gone beyond the whole tiles becomes an entry that says so; a tile that is
 * gone is computed anew. A tile that is there stays what it is, also where its entries do not fit it: then these
 * entries do not verify, which is right.
 */
@Injectable()
export class LogRepair {
  constructor(
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly inbox: AuditInbox,
    private readonly tree: LogTree,
  ) {}

  /** Whoever calls it holds the lock of the sequencer. Throws {@link LogDamaged} when too much is gone. */
  async repair(tx: Tx): Promise<RepairedLog> {
    const size = await sizeOf(tx);
    const lost = await this.#fill(tx, size);
    for (let level = 0; level < edgeLevels(size); level += 1) await this.#tiles(tx, level, size);
    return { size, root: (await this.tree.edgeAt(size, tx)).root(), lost };
  }

  /** Stands in for entries that are gone and that no whole tile vouches for. */
  async #fill(tx: Tx, size: number): Promise<number> {
    const gone = await tx.query<{ idx: string }[]>(
      `SELECT idx FROM (
         SELECT next AS idx FROM generate_series(
           coalesce((SELECT max(n) + 1 FROM audit_tile WHERE level = 0), 0) * ${TILE_WIDTH}, $1::bigint - 1) next
         UNION ALL
         SELECT next FROM (SELECT n FROM generate_series(0, (SELECT max(n) FROM audit_tile WHERE level = 0)) n
           EXCEPT SELECT n FROM audit_tile WHERE level = 0) hole,
           generate_series(hole.n * ${TILE_WIDTH}, (hole.n + 1) * ${TILE_WIDTH} - 1) next
       ) uncovered WHERE NOT EXISTS (SELECT 1 FROM audit_entry e WHERE e.idx = uncovered.idx)
       ORDER BY idx LIMIT ${MOST_LOST + 1}`,
      [size],
    );
    if (gone.length > MOST_LOST)
      throw new LogDamaged(
        `more than ${MOST_LOST} entries from ${gone[0]?.idx} on are gone, and no tile vouches for them: restore a backup`,
      );
    const context = { caller: systemCaller('log', this.ids.uuid()), outcome: 'failure' as const };
    for (const { idx } of gone) {
      const id = this.ids.uuid();
      const leaf = this.inbox.leaf(id, 'log.entry_lost', context, { index: Number(idx) });
      await tx.query(
        `INSERT INTO audit_entry (idx, event_id, kind, occurred_at, outcome, request_id, leaf)
         VALUES ($1, $2, 'log.entry_lost', $3, 'failure', $4, $5)`,
        [idx, id, this.clock.now(), context.caller.requestId, leaf],
      );
    }
    return gone.length;
  }

  async #tiles(tx: Tx, level: number, size: number): Promise<void> {
    const whole = Math.floor(size / TILE_WIDTH ** (level + 1));
    const gone = await tx.query<{ n: string }[]>(
      `SELECT n FROM generate_series(0, $1::bigint - 1) n EXCEPT SELECT n FROM audit_tile WHERE level = $2 ORDER BY n`,
      [whole, level],
    );
    for (const { n } of gone) {
      const hashes = await this.tree.hashes(level, Number(n), TILE_WIDTH, tx);
      await tx.query('INSERT INTO audit_tile (level, n, hashes, root) VALUES ($1, $2, $3, $4)', [
        level,
        n,
        Buffer.concat(hashes),
        tileRoot(hashes),
      ]);
    }
  }
}

/** As far as anything is there: the head, the entries and the tiles need not agree any more. */
async function sizeOf(tx: Tx): Promise<number> {
  const [row] = await tx.query<{ size: string }[]>(
    `SELECT greatest((SELECT size FROM audit_head), (SELECT max(idx) + 1 FROM audit_entry),
       (SELECT (max(n) + 1) * ${TILE_WIDTH} FROM audit_tile WHERE level = 0)) AS size`,
  );
  if (row === undefined) throw new Error('the log has no head');
  return Number(row.size);
}
