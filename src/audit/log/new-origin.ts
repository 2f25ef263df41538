import { Injectable, Optional } from '@nestjs/common';
import { Transactions, type Tx } from '../../database/transaction.js';
import { BrokerError } from '../../kernel/broker-error.js';
import type { Caller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import { Ids } from '../../kernel/ids.js';
import { Settings } from '../../settings/schema.js';
import { checkpointIn } from '../../tlog/checkpoint.js';
import { noteKey, noteOf } from '../../tlog/note.js';
import { linkText } from '../../tlog/origin-link.js';
import { AuditInbox } from '../audit-inbox.js';
import { SEQUENCER_LOCK } from '../sequencer.js';
import { AuditHighWater, type HighWaterMark } from './audit-high-water.js';
import { CheckpointSigner } from './checkpoint-signer.js';
import { Checkpoints } from './checkpoints.js';
import { LogDirectory } from './log-directory.js';
import { LogOrigins, type LogOrigin } from './log-origins.js';
import { LogRepair } from './log-repair.js';

/**
 * Lets the log go on as a new one, for a database that was set back or a log that was damaged. What is there is kept at
 * its index; from here on it is vouched for under another name, with a signed link to what was signed last of the
 * former one. So who knew the former one sees that, and by whom, it was given up.
 */
@Injectable()
export class NewOrigin {
  constructor(
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly transactions: Transactions,
    private readonly inbox: AuditInbox,
    private readonly checkpoints: Checkpoints,
    private readonly directory: LogDirectory,
    private readonly origins: LogOrigins,
    private readonly repair: LogRepair,
    @Optional() private readonly signer?: CheckpointSigner,
    @Optional() private readonly highWater?: AuditHighWater,
  ) {}

  /** Begins it, and records `log.origin_changed`. Fails as Vault and database do, and then nothing has changed. */
  async begin(caller: Caller, reason: string): Promise<LogOrigin> {
    const head = await this.#head(this.transactions.reads);
    const former = (await this.#signedLast()) ?? head;
    const origin = `leasegate/${this.ids.uuid()}`;
    const link = await this.#link(origin, former);
    return this.transactions.run(async (tx) => {
      // Waits for the batch that is under way: no sequencer may go on with the edge of the former log.
      await tx.query('SELECT pg_advisory_xact_lock($1)', [SEQUENCER_LOCK]);
      const now = await this.#head(tx);
      if (now.origin !== head.origin)
        throw new BrokerError('conflict', { detail: 'Somebody else has begun a new origin just now.' });
      const { size, root, lost } = await this.repair.repair(tx);
      await tx.query(
        `UPDATE audit_head SET origin = $1, size = $2, root_hash = $3, epoch = epoch + 1, moved_at = clock_timestamp()`,
        [origin, size, root],
      );
      const begun: LogOrigin = { origin, beganAt: this.clock.now(), size, root, former, lost, link, reason };
      await this.origins.keep(tx, begun);
      await this.inbox.append(
        tx,
        'log.origin_changed',
        { caller },
        { origin, former: former.origin, former_size: former.size, size, lost, reason },
      );
      return begun;
    });
  }

  /** Signed under the name of both, so that who trusts either can read it. */
  async #link(origin: string, former: HighWaterMark): Promise<string | null> {
    const { signer } = this;
    if (signer === undefined || this.settings.values.audit.log.signing === undefined) return null;
    const text = linkText({
      origin,
      former: former.origin,
      formerSize: former.size,
      formerRoot: former.root,
    });
    const [newest] = await signer.keys();
    if (newest === undefined) return null;
    const signature = await signer.sign(text, newest.version);
    const lines = [former.origin, origin].map((name) => {
      const key = noteKey(name, newest.publicKey);
      return { name, id: key.id, signature };
    });
    return noteOf(text, lines);
  }

  /** The mark; where it is gone, the newest checkpoint that is left anywhere. */
  async #signedLast(): Promise<HighWaterMark | undefined> {
    if (this.settings.values.audit.log.signing === undefined) return undefined;
    const mark = (await this.highWater?.read())?.mark;
    if (mark !== undefined) return mark;
    return checkpointIn((await this.checkpoints.newestOfAll()) ?? (await this.directory.newest()));
  }

  async #head(tx: Tx): Promise<HighWaterMark> {
    const [row] = await tx.query<{ origin: string; size: string; root_hash: Buffer }[]>(
      'SELECT origin, size, root_hash FROM audit_head',
    );
    if (row === undefined) throw new Error('the log has no head');
    return { origin: row.origin, size: Number(row.size), root: row.root_hash };
  }
}
