import { Injectable } from '@nestjs/common';
import { Transactions, type Tx } from '../database/transaction.js';
import { Clock } from '../kernel/clock.js';
import { crashPoint } from '../kernel/crash-point.js';
import { Settings } from '../settings/schema.js';
import { appendBatch, takeBatch } from './batch.js';

/** The advisory lock of the one that sequences; any number that nothing else here locks. */
const LOCK = 0x1ea5_e6a7;

/** What one batch did. `waits` means that another replica sequences at this moment. */
export interface BatchResult {
  readonly state: 'sequenced' | 'waits';
  readonly events: number;
}

/** The epoch moved on while a batch was open: another sequencer took over, and nothing of the batch was kept. */
export class SequencerFenced extends Error {
  override readonly name = 'SequencerFenced';
  readonly code = 'sequencer_fenced';

  constructor(epoch: string) {
    super(`the log was taken over after epoch ${epoch}`);
  }
}

interface Head {
  readonly size: string;
  readonly chain_hash: Buffer;
  readonly epoch: string;
}

/**
 * Moves events from the inbox to the log, giving them a dense index and a place in the hash chain. Any number of
 * replicas may call it; one works at a time.
 *
 * Two things see to that. The advisory lock, held by the transaction, keeps the others from trying. The epoch keeps
 * the log right even when the lock does not (a pooler that hands the session on, a fail-over that forgets locks): who
 * takes over raises it, and the head is only moved by who still holds the epoch that it began with.
 *
 * Tiles of the Merkle tree are a function of `audit_entry.leaf_hash` by `idx`, and need nothing more from here.
 */
@Injectable()
export class Sequencer {
  /** The epoch of our term; undefined when we have to begin one. */
  #epoch: string | undefined;

  constructor(
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly transactions: Transactions,
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

  /** Sequences one batch, in one transaction. Throws {@link SequencerFenced} when it was taken over meanwhile. */
  async batch(): Promise<BatchResult> {
    try {
      const result = await this.transactions.run((tx) => this.#batch(tx));
      if (result.events > 0) crashPoint('audit.sequence.committed');
      return result;
    } catch (error) {
      // Whatever happened, the next batch finds out again where the log stands.
      this.#epoch = undefined;
      throw error;
    }
  }

  async #batch(tx: Tx): Promise<BatchResult> {
    const [lock] = await tx.query<{ elected: boolean }[]>('SELECT pg_try_advisory_xact_lock($1) AS elected', [
      LOCK,
    ]);
    if (lock?.elected !== true) return { state: 'waits', events: 0 };
    const events = await takeBatch(tx, this.settings.values.audit.batchSize);
    if (events.length === 0) return { state: 'sequenced', events: 0 };
    crashPoint('audit.sequence.taken');
    const head = await this.#head(tx);
    const from = Number(head.size);
    const chain = await appendBatch(tx, events, from, head.chain_hash, this.clock.now());
    const [, moved] = await tx.query<[unknown[], number]>(
      'UPDATE audit_head SET size = $1, chain_hash = $2 WHERE epoch = $3 AND size = $4',
      [from + events.length, chain, head.epoch, head.size],
    );
    if (moved !== 1) throw new SequencerFenced(head.epoch);
    crashPoint('audit.sequence.before-commit');
    return { state: 'sequenced', events: events.length };
  }

  /** Where the log stands; begins a new term when somebody else sequenced since our last batch. */
  async #head(tx: Tx): Promise<Head> {
    const read = await tx.query<Head[]>('SELECT size, chain_hash, epoch FROM audit_head');
    const head = read[0];
    if (head !== undefined && head.epoch === this.#epoch) return head;
    const [raised] = await tx.query<[Head[], number]>(
      'UPDATE audit_head SET epoch = epoch + 1 RETURNING size, chain_hash, epoch',
    );
    const taken = raised[0];
    if (taken === undefined) throw new Error('the log has no head');
    this.#epoch = taken.epoch;
    return taken;
  }
}
