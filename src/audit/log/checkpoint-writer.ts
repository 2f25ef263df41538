import { Injectable, Optional } from '@nestjs/common';
import { Transactions } from '../../database/transaction.js';
import { Clock } from '../../kernel/clock.js';
import { crashPoint } from '../../kernel/crash-point.js';
import { Settings } from '../../settings/schema.js';
import { checkpointText } from '../../tlog/checkpoint.js';
import { keyLine, noteKey, noteOf, type NoteSignature } from '../../tlog/note.js';
import { AuditHighWater, type HighWaterMark, type MarkRead } from './audit-high-water.js';
import { CheckpointSigner, type SigningKey } from './checkpoint-signer.js';
import { Checkpoints, type SignedCheckpoint } from './checkpoints.js';
import { LogDirectory } from './log-directory.js';
import { SetBackCheck } from './set-back.js';

/**
 * Signs the log: looks whether it continues what was signed last, marks outside the database how far it is, and then signs.
 * In this order a log that was set back is never signed again, whenever a process dies. Any number of replicas may call
 * it; the mark is written by check-and-set, and who loses signs nothing.
 */
@Injectable()
export class CheckpointWriter {
  /** As we wrote it ourselves; undefined when it has to be read. */
  #known: MarkRead | undefined;
  #keys: { readonly keys: readonly SigningKey[]; readonly untilMs: number } | undefined;

  constructor(
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly transactions: Transactions,
    private readonly setBack: SetBackCheck,
    private readonly checkpoints: Checkpoints,
    private readonly directory: LogDirectory,
    @Optional() private readonly signer?: CheckpointSigner,
    @Optional() private readonly highWater?: AuditHighWater,
  ) {}

  /** Whether this process signs at all. */
  get on(): boolean {
    return this.settings.values.audit.log.signing !== undefined && this.signer !== undefined;
  }

  /**
   * Signs the log as it is now, unless it is signed already; answers the newest checkpoint, undefined where another
   * replica was faster. Throws `LogSetBack`, or what signer, mark, database or disk fail with.
   */
  async write(): Promise<SignedCheckpoint | undefined> {
    const { signer, highWater } = this;
    if (!this.on || signer === undefined || highWater === undefined) return undefined;
    const head = await this.#head();
    const newest = await this.checkpoints.newest();
    if (newest?.size === head.size) {
      await this.directory.publish(newest);
      return newest;
    }
    try {
      const known = (this.#known ??= await highWater.read());
      await this.setBack.check(head, known.mark, await this.#allKeys(signer));
      const version = await highWater.write(head, known.version);
      this.#known = version === undefined ? undefined : { mark: head, version };
      if (version === undefined) return undefined;
    } catch (error) {
      this.#known = undefined;
      throw error;
    }
    crashPoint('audit.checkpoint.marked');
    return this.#sign(signer, head);
  }

  async #sign(signer: CheckpointSigner, head: HighWaterMark): Promise<SignedCheckpoint> {
    const text = checkpointText({ ...head, extensions: [] });
    const signatures: NoteSignature[] = [];
    for (const { version, publicKey, createdAt } of await this.#signingKeys(signer)) {
      const key = noteKey(head.origin, publicKey);
      signatures.push({ name: key.name, id: key.id, signature: await signer.sign(text, version) });
      await this.checkpoints.keepKey(
        { line: keyLine(key), origin: head.origin, version, createdAt },
        this.clock.now(),
      );
    }
    const checkpoint = {
      origin: head.origin,
      size: head.size,
      note: noteOf(text, signatures),
      signedAt: this.clock.now(),
    };
    await this.checkpoints.keep(checkpoint, head.root);
    await this.directory.publish(checkpoint);
    return checkpoint;
  }

  /** The newest version, and while it is young the one before, which verifiers may still be pinned to. */
  async #signingKeys(signer: CheckpointSigner): Promise<readonly SigningKey[]> {
    const [newest, former] = await this.#allKeys(signer);
    if (newest === undefined) return [];
    const overlapMs = (this.settings.values.audit.log.signing?.overlapHours ?? 0) * 3_600_000;
    const young = this.clock.now().getTime() - newest.createdAt.getTime() < overlapMs;
    return young && former !== undefined ? [newest, former] : [newest];
  }

  async #allKeys(signer: CheckpointSigner): Promise<readonly SigningKey[]> {
    const nowMs = this.clock.monotonicMs();
    if (this.#keys === undefined || nowMs >= this.#keys.untilMs) {
      const refreshMs = this.settings.values.audit.log.signing?.keyRefreshMs ?? 0;
      this.#keys = { keys: await signer.keys(), untilMs: nowMs + refreshMs };
    }
    return this.#keys.keys;
  }

  async #head(): Promise<HighWaterMark> {
    const [row] = await this.transactions.reads.query<{ origin: string; size: string; root_hash: Buffer }[]>(
      'SELECT origin, size, root_hash FROM audit_head',
    );
    if (row === undefined) throw new Error('the log has no head');
    return { origin: row.origin, size: Number(row.size), root: row.root_hash };
  }
}
