import { Injectable } from '@nestjs/common';
import { Transactions, type Tx } from '../database/transaction.js';
import { Clock } from '../kernel/clock.js';
import { crashPoint } from '../kernel/crash-point.js';
import { Settings } from '../settings/schema.js';
import { TreeEdge, type WholeTile } from '../tlog/edge.js';
import { leafHash } from '../tlog/hash.js';
import { moveBatch, readBatch, rowsOf } from './batch.js';
import { LogDamaged, LogTree } from './log/log-tree.js';
import { movePlain, NotPlain, readPlain } from './plain-batch.js';

/** The advisory lock of the one that sequences; any number that nothing else here locks. */
export const SEQUENCER_LOCK = 0x1ea5_e6a7;

/** Intervals for which another replica may leave events lying. */
const PATIENCE = 4;

/** What one batch did. `waits` means that another replica sequences at this moment. */
export interface BatchResult {
  readonly state: 'sequenced' | 'waits';
  readonly events: number;
}

/** The log moved on while a batch was open: another sequencer took over, and nothing of the batch was kept. */
export class SequencerFenced extends Error {
  override readonly name = 'SequencerFenced';
  readonly code = 'sequencer_fenced';

  constructor(epoch: string) {
    super(`the log was taken over after epoch ${epoch}`);
  }
}

interface Head {
  readonly size: string;
  readonly root_hash: Buffer;
  readonly epoch: string;
}

/** Events that are being sequenced: the hashes of their leaves, and how they get to the log from an index on. */
interface Taken {
  readonly hashes: readonly Buffer[];
  readonly move: (from: number) => Promise<number>;
}

/** Our time as the sequencer: the epoch that we raised, and the edge of the tree as we left it. */
interface Term {
  readonly epoch: string;
  readonly edge: TreeEdge;
}

/**
 * Moves events from the inbox to the log, giving them a dense index and a place in the tree. Any number of replicas may
 * call it; one works at a time.
 *
 * Two things see to that. The advisory lock, held by the transaction, keeps the others from trying. The epoch keeps
 * the log right even when the lock does not (a pooler that hands the session on, a fail-over that forgets locks): who
 * takes over raises it, and the head is only moved by who still holds the epoch, the size and the root that it began
 * with. A process that was frozen and wakes up is refused there, before it has written anything.
 */
@Injectable()
export class Sequencer {
  /** Undefined when we have to begin one. */
  #term: Term | undefined;

  constructor(
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly transactions: Transactions,
    private readonly tree: LogTree,
  ) {}

  /**
   * Sequences until the inbox holds less than a batch, or another replica does it; answers the number of events. What
   * is thrown leaves the log and the inbox as they were before the last batch. Aborting ends it between batches.
   */
  async drain(signal?: AbortSignal): Promise<number> {
    const full = this.settings.values.audit.batchSize;
    let total = 0;
    while (signal?.aborted !== true) {
      const { state, events } = await this.batch();
      total += events;
      if (state === 'waits' || events < full) break;
    }
    return total;
  }

  /**
   * Whether this replica should sequence now: something waits, and it did so last, or what waits has been left lying by who
   * did. So one replica keeps the log, and its knowledge of the tree's edge, for as long as it lives.
   */
  async isDue(): Promise<boolean> {
    const patienceMs =
      this.#term === undefined ? PATIENCE * this.settings.values.audit.sequenceIntervalMs : 0;
    const [row] = await this.transactions.reads.query<{ due: boolean }[]>(
      `SELECT ($1 = 0 OR moved_at < clock_timestamp() - $1 * interval '1 millisecond')
         AND EXISTS (SELECT 1 FROM audit_inbox) AS due
       FROM audit_head`,
      [patienceMs],
    );
    return row?.due === true;
  }

  /** Sequences one batch, in one transaction. Throws {@link SequencerFenced} when it was taken over meanwhile. */
  async batch(): Promise<BatchResult> {
    try {
      return await this.#committed((tx) => this.#plain(tx));
    } catch (error) {
      if (!(error instanceof NotPlain)) throw error;
    }
    return this.#committed((tx) => this.#careful(tx));
  }

  async #committed(take: (tx: Tx) => Promise<Taken>): Promise<BatchResult> {
    try {
      const result = await this.transactions.run((tx) => this.#batch(tx, take));
      if (result.events > 0) crashPoint('audit.sequence.committed');
      return result;
    } catch (error) {
      // Whatever happened, the next batch finds out again where the log stands; the edge may be ahead of it.
      this.#term = undefined;
      throw error;
    }
  }

  /** As a rule: the leaves stay in the database, which also takes them apart. */
  async #plain(tx: Tx): Promise<Taken> {
    const { seqs, hashes } = await readPlain(tx, this.settings.values.audit.batchSize);
    return { hashes, move: (from) => movePlain(tx, seqs, from) };
  }

  /** Whatever is in the inbox: it is read here, where nothing can fail for what an event looks like. */
  async #careful(tx: Tx): Promise<Taken> {
    const events = await readBatch(tx, this.settings.values.audit.batchSize);
    return {
      hashes: events.map(({ leaf }) => leafHash(leaf)),
      move: (from) => moveBatch(tx, rowsOf(events, from, this.clock.now())),
    };
  }

  async #batch(tx: Tx, take: (tx: Tx) => Promise<Taken>): Promise<BatchResult> {
    const [lock] = await tx.query<{ elected: boolean }[]>('SELECT pg_try_advisory_xact_lock($1) AS elected', [
      SEQUENCER_LOCK,
    ]);
    if (lock?.elected !== true) return { state: 'waits', events: 0 };
    const { hashes, move } = await take(tx);
    if (hashes.length === 0) return { state: 'sequenced', events: 0 };
    crashPoint('audit.sequence.taken');
    const { epoch, edge } = await this.#begin(tx);
    const [from, before] = [edge.size, edge.root()];
    const tiles = hashes.flatMap((hash) => edge.append(hash));
    // The fence comes first: who lost the log writes nothing at all.
    const [, moved] = await tx.query<[unknown[], number]>(
      `UPDATE audit_head SET size = $1, root_hash = $2, moved_at = clock_timestamp()
       WHERE epoch = $3 AND size = $4 AND root_hash = $5`,
      [edge.size, edge.root(), epoch, from, before],
    );
    if (moved !== 1) throw new SequencerFenced(epoch);
    if ((await move(from)) !== hashes.length) throw new SequencerFenced(epoch);
    await keepTiles(tx, tiles);
    crashPoint('audit.sequence.before-commit');
    return { state: 'sequenced', events: hashes.length };
  }

  /** Our term; begins a new one when somebody else sequenced since our last batch. */
  async #begin(tx: Tx): Promise<Term> {
    const [head] = await tx.query<Head[]>('SELECT size, root_hash, epoch FROM audit_head');
    if (head !== undefined && head.epoch === this.#term?.epoch && Number(head.size) === this.#term.edge.size)
      return this.#term;
    const [raised] = await tx.query<[Head[], number]>(
      'UPDATE audit_head SET epoch = epoch + 1 RETURNING size, root_hash, epoch',
    );
    const taken = raised[0];
    if (taken === undefined) throw new Error('the log has no head');
    const edge = await this.tree.edgeAt(Number(taken.size), tx);
    // Somebody changed entries, tiles or the head by hand. Going on would sign it as if it had always been so.
    if (!edge.root().equals(taken.root_hash))
      throw new LogDamaged(
        `the end of the log at size ${taken.size} does not have the root that its head names; look at what was changed, then go on as a new log: leasegate audit new-origin --reason …`,
      );
    this.#term = { epoch: taken.epoch, edge };
    return this.#term;
  }
}

async function keepTiles(tx: Tx, tiles: readonly WholeTile[]): Promise<void> {
  if (tiles.length === 0) return;
  await tx.query(
    `INSERT INTO audit_tile (level, n, hashes, root)
     SELECT * FROM unnest($1::smallint[], $2::bigint[], $3::bytea[], $4::bytea[])`,
    [
      tiles.map(({ level }) => level),
      tiles.map(({ n }) => n),
      tiles.map(({ hashes }) => Buffer.concat(hashes)),
      tiles.map(({ root }) => root),
    ],
  );
}
