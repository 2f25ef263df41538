import { Injectable } from '@nestjs/common';
import { readEvent } from '../audit/stored-event.js';
import { Checkpoints } from '../audit/log/checkpoints.js';
import { LogTree } from '../audit/log/log-tree.js';
import { Transactions } from '../database/transaction.js';
import { InclusionProofs } from './inclusion-proofs.js';

/** What a finished export was, in the words of its event in the log. */
export interface ExportManifest {
  readonly index: number;
  /** The event's exact text: it has the checksum, the counts and the size of the log. */
  readonly leaf: string;
  /** https://c2sp.org/tlog-proof; null until a checkpoint covers the event, and where the log is not signed. */
  readonly proof: string | null;
}

/**
 * The manifest of an export is the event `audit.export_finished`, proved to be in the log. So it is signed as everything
 * in the log is, by a key that signs nothing but checkpoints.
 */
@Injectable()
export class ExportManifests {
  constructor(
    private readonly transactions: Transactions,
    private readonly tree: LogTree,
    private readonly checkpoints: Checkpoints,
  ) {}

  /** The manifest of an export; undefined before its end is in the log, or when it was cut off. */
  async of(exportId: string): Promise<ExportManifest | undefined> {
    const [row] = await this.transactions.reads.query<{ idx: string; leaf: Buffer }[]>(
      `SELECT idx, leaf FROM audit_entry WHERE kind = 'audit.export_finished'
         AND convert_from(leaf, 'UTF8')::jsonb #>> '{data,export_id}' = $1
       ORDER BY idx DESC LIMIT 1`,
      [exportId],
    );
    if (row === undefined || readEvent(row.leaf) === undefined) return undefined;
    const index = Number(row.idx);
    const newest = await this.checkpoints.newest();
    return {
      index,
      leaf: row.leaf.toString('utf8'),
      proof: newest === undefined ? null : await new InclusionProofs(this.tree, newest).of(index),
    };
  }

  /** The proof that an entry is in the log; null as in {@link ExportManifest.proof}, undefined where there is none. */
  async proof(index: number): Promise<string | null | undefined> {
    const newest = await this.checkpoints.newest();
    return newest === undefined ? undefined : new InclusionProofs(this.tree, newest).of(index);
  }
}
