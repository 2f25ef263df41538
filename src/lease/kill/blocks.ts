import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../../audit/audit-inbox.js';
import type { RevokeCause } from '../../audit/revoke-cause.js';
import { CredentialCatalogue } from '../../credential/credential-catalogue.js';
import { decodeCursor, pageOf, type Page } from '../../database/page.js';
import { Transactions, type Tx } from '../../database/transaction.js';
import { BrokerError } from '../../kernel/broker-error.js';
import { actorName, systemCaller, type Caller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import { crashPoint } from '../../kernel/crash-point.js';
import { Ids, isUuid } from '../../kernel/ids.js';
import type { OpenedRevocation } from '../../kernel/opened-revocation.js';
import { columnsOf, insertBlock, selectBlocks, selectorOf, type Block, type BlockTarget } from './block.js';
import { Revocations } from './revocations.js';

/** What an admin asks for. */
export interface WantedBlock {
  readonly target: BlockTarget;
  readonly reason: string;
  /** When it ends by itself. */
  readonly until?: Date | undefined;
}

const CAUSES = {
  workload: 'workload_blocked',
  issuer: 'issuer_blocked',
  target: 'target_blocked',
} as const satisfies Record<BlockTarget['kind'], RevokeCause>;

/**
 * Blocks of workloads, issuers and targets.
 *
 * Opening a run takes a lock on its workload and issuer that others may share, and looks for blocks; a block takes the
 * same lock alone, and ends the runs after its commit. So a run is either open before, and found, or it sees the block.
 * A target's credentials are disabled with the block, which step 3 of each lease and the admission of each call look at.
 */
@Injectable()
export class Blocks {
  constructor(
    private readonly transactions: Transactions,
    private readonly revocations: Revocations,
    private readonly catalogue: CredentialCatalogue,
    private readonly audit: AuditInbox,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /**
   * Blocks, and returns when nothing new can be leased or called: the runs have ended, and what was being issued is
   * marked. The leases are revoked behind it. What is blocked already stays as it is, and what is live of it is revoked
   * all the same.
   */
  async block(caller: Caller, wanted: WantedBlock): Promise<OpenedRevocation & { readonly block: Block }> {
    const { target, reason } = wanted;
    const result = await this.transactions.run(async (tx) => {
      await tx.query('SELECT hold_block($1, $2, $3, $4)', [target.kind, ...columnsOf(target)]);
      const block = (await this.standing(tx, target)) ?? (await this.create(tx, caller, wanted));
      const opened = await this.revocations.open(tx, {
        selector: selectorOf(target),
        cause: CAUSES[target.kind],
        caller,
        reason,
        announced: true,
        runsFirst: target.kind !== 'target',
      });
      return { block, ...opened };
    });
    crashPoint('revocation.opened');
    await this.revocations.shut(result.revocationId);
    this.revocations.start(result);
    return result;
  }

  /**
   * Lifts a block; of a target, the credentials that it disabled are enabled again. Runs that ended stay ended.
   * `not_found` when there is none, `state_transition_refused` when it was lifted before.
   */
  lift(caller: Caller, id: string, reason?: string): Promise<Block> {
    return this.transactions.run(async (tx) => {
      const [block] = isUuid(id) ? await selectBlocks(tx, 'WHERE b.id = $1 FOR UPDATE', [id]) : [];
      if (block === undefined) throw new BrokerError('not_found', { detail: 'no block of this id' });
      if (block.liftedAt !== null)
        throw new BrokerError('state_transition_refused', { detail: 'the block is lifted already' });
      return this.lifted(tx, block, caller, reason);
    });
  }

  /** Lifts up to `limit` blocks whose time is up; answers how many. */
  async liftDue(limit: number): Promise<number> {
    const due = await selectBlocks(
      this.transactions.reads,
      'WHERE b.lifted_at IS NULL AND b.until <= $1 ORDER BY b.until LIMIT $2',
      [this.clock.now(), limit],
    );
    const caller = systemCaller('scheduler', this.ids.uuid());
    for (const { id } of due) {
      await this.transactions.run(async (tx) => {
        const [block] = await selectBlocks(tx, 'WHERE b.id = $1 AND b.lifted_at IS NULL FOR UPDATE', [id]);
        if (block !== undefined) await this.lifted(tx, block, caller, 'its time is up');
      });
    }
    return due.length;
  }

  /** Blocks, newest first; those that stand, or all. */
  async list(filter: {
    readonly standing?: boolean | undefined;
    readonly limit: number;
    readonly cursor?: string | undefined;
  }): Promise<Page<Block>> {
    const before = filter.cursor === undefined ? null : String(decodeCursor(filter.cursor, 1)[0]);
    const rows = await selectBlocks(
      this.transactions.reads,
      `WHERE ($1::boolean IS NULL OR (b.lifted_at IS NULL) = $1) AND ($2::text IS NULL OR b.id::text < $2)
       ORDER BY b.id DESC LIMIT $3`,
      [filter.standing ?? null, before, filter.limit + 1],
    );
    return pageOf(rows, filter.limit, ({ id }) => [id]);
  }

  private async standing(tx: Tx, target: BlockTarget): Promise<Block | undefined> {
    const [block] = await selectBlocks(
      tx,
      `WHERE b.lifted_at IS NULL AND b.kind = $1 AND b.issuer IS NOT DISTINCT FROM $2
         AND b.subject IS NOT DISTINCT FROM $3 AND b.mount IS NOT DISTINCT FROM $4 FOR UPDATE`,
      [target.kind, ...columnsOf(target)],
    );
    if (block === undefined || block.until === null || block.until > this.clock.now()) return block;
    await this.lifted(tx, block, systemCaller('scheduler', this.ids.uuid()), 'its time is up');
    return undefined;
  }

  private async create(tx: Tx, caller: Caller, { target, reason, until }: WantedBlock): Promise<Block> {
    const now = this.clock.now();
    if (until !== undefined && until <= now)
      throw new BrokerError('request_invalid', { field: 'until', detail: 'is over already' });
    const credentials =
      target.kind === 'target' ? await this.catalogue.disableAt(tx, target.mount, caller, reason) : [];
    const block: Block = {
      id: this.ids.uuid(),
      target,
      credentials,
      reason,
      until: until ?? null,
      createdAt: now,
      createdBy: actorName(caller.actor),
      liftedAt: null,
      liftedBy: null,
    };
    await insertBlock(tx, block);
    const { kind, ...what } = target;
    await this.audit.append(
      tx,
      'block.created',
      { caller },
      {
        block_id: block.id,
        kind,
        ...what,
        reason,
        ...(credentials.length > 0 && { credentials }),
        ...(until !== undefined && { until: until.toISOString() }),
      },
    );
    return block;
  }

  private async lifted(tx: Tx, block: Block, caller: Caller, reason: string | undefined): Promise<Block> {
    const lifted = { liftedAt: this.clock.now(), liftedBy: actorName(caller.actor) };
    await tx.query('UPDATE blocks SET lifted_at = $2, lifted_by = $3 WHERE id = $1', [
      block.id,
      lifted.liftedAt,
      lifted.liftedBy,
    ]);
    await this.catalogue.enableAll(tx, block.credentials, caller, reason);
    const { kind } = block.target;
    await this.audit.append(
      tx,
      'block.lifted',
      { caller },
      { block_id: block.id, kind, ...(reason !== undefined && { reason }) },
    );
    return { ...block, ...lifted };
  }
}
