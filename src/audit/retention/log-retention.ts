import { Injectable } from '@nestjs/common';
import { Transactions, type Tx } from '../../database/transaction.js';
import { BrokerError } from '../../kernel/broker-error.js';
import { systemCaller, type Caller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import { crashPoint } from '../../kernel/crash-point.js';
import { Ids } from '../../kernel/ids.js';
import { Settings } from '../../settings/schema.js';
import { AuditInbox } from '../audit-inbox.js';
import { LogArchive } from './archive.js';
import { keyOf, recorded } from './archive-record.js';
import { LegalHolds } from './legal-holds.js';
import { membersOf } from './members.js';
import { PartRebuild, type ClosedRange } from './part-rebuild.js';
import { LogParts, type LogPart, type PartArchive } from './parts.js';
import { RetentionWait } from './retention-wait.js';
import { retentionClasses, type RetentionClass } from './retention-classes.js';

const DAY_MS = 86_400_000;

/** What was done with a class of kinds in a part, or would be. */
export interface RetentionStep {
  readonly fromIndex: number;
  readonly toIndex: number;
  readonly class: string;
  /** `waits`: a sink or a scheduled export has not read them yet. */
  readonly did: 'archived' | 'removed' | 'destroyed' | 'held' | 'waits';
  readonly entries: number;
}

interface Contents {
  readonly kinds: readonly string[];
  readonly entries: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
}

/**
 * Archives, removes and destroys entries by their age. Removing needs the owner of the tables: the broker's own login may
 * not. Everything is safe to repeat and to lose half way: a file counts once it was read again and recorded, and entries
 * leave the database in the same transaction that says so.
 */
@Injectable()
export class LogRetention {
  constructor(
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly transactions: Transactions,
    private readonly audit: AuditInbox,
    private readonly parts: LogParts,
    private readonly holds: LegalHolds,
    private readonly archive: LogArchive,
    private readonly wait: RetentionWait,
  ) {}

  /** Does what is due; with `dryRun` only says it. Throws at the first part that cannot be done. */
  async run(
    options: { readonly dryRun?: boolean; readonly signal?: AbortSignal } = {},
  ): Promise<RetentionStep[]> {
    const classes = retentionClasses(this.settings.values.audit.retention);
    const caller = systemCaller('retention', this.ids.uuid());
    const steps: RetentionStep[] = [];
    for (const part of await this.parts.list()) {
      const { closed, toIndex } = part;
      if (!closed || toIndex === undefined) continue;
      for (const ages of classes) {
        if (options.signal?.aborted === true) return steps;
        const range = { fromIndex: part.fromIndex, toIndex };
        for (const step of await this.#class(caller, part, range, ages, options.dryRun === true))
          steps.push({ ...range, class: ages.name, ...step });
      }
    }
    return steps;
  }

  /**
   * Brings archived entries back for queries, once each has been compared with the tree; answers how many. They leave again
   * after `audit.retention.restoredDays`. `not_found` without such an archive, `conflict` when they are there already.
   */
  async restore(caller: Caller, fromIndex: number, name: string, reason?: string): Promise<number> {
    const part = (await this.parts.list()).find((one) => one.fromIndex === fromIndex);
    const archived = part?.archives.find((one) => one.class === name);
    if (part?.toIndex === undefined || archived?.file === undefined || archived.sha256 === undefined)
      throw new BrokerError('not_found', { detail: 'there is no such archive' });
    if (archived.state !== 'removed')
      throw new BrokerError('conflict', { detail: `the entries are ${archived.state}` });
    const { file, sha256 } = archived;
    const range = { fromIndex, toIndex: part.toIndex };
    await this.archive.verify(range, { file, sha256, entries: archived.entries });
    await this.transactions.run(async (tx) => {
      const rebuild = new PartRebuild(tx, range);
      await rebuild.begin([]);
      for await (const page of this.archive.read(range, file)) await rebuild.add(page, archived.firstAt);
      await rebuild.swap();
      await this.#state(tx, archived, 'restored', 'removed');
      await this.audit.append(
        tx,
        'audit.restored',
        { caller },
        { ...recorded(range, archived), sha256, ...(reason !== undefined && { reason }) },
      );
    });
    return archived.entries;
  }

  async #class(
    caller: Caller,
    part: LogPart,
    range: ClosedRange,
    ages: RetentionClass,
    dryRun: boolean,
  ): Promise<Pick<RetentionStep, 'did' | 'entries'>[]> {
    const before = part.archives.find((one) => one.class === ages.name);
    if (before === undefined) return this.#online(caller, part, range, ages, dryRun);
    const { state, entries } = before;
    if (state === 'destroyed') {
      if (!dryRun) await this.archive.erase(range, ages.name, this.clock.now());
      return [];
    }
    if (ages.maxDays !== undefined && this.#over(before.firstAt, ages.maxDays)) {
      if (await this.#held(range, before)) return [{ did: 'held', entries }];
      if (state === 'archived' && (await this.wait.waits(caller, range, before, dryRun)))
        return [{ did: 'waits', entries }];
      if (!dryRun) await this.#destroy(caller, range, before, ages.maxDays);
      return [{ did: 'destroyed', entries }];
    }
    const { restoredDays } = this.settings.values.audit.retention;
    const leaves =
      state === 'archived' || (state === 'restored' && this.#over(before.restoredAt, restoredDays));
    if (!leaves) return [];
    if (await this.holds.holds({ ...range, kinds: before.kinds })) return [{ did: 'held', entries }];
    if (state === 'archived' && (await this.wait.waits(caller, range, before, dryRun)))
      return [{ did: 'waits', entries }];
    if (!dryRun) await this.#remove(caller, range, before);
    return [{ did: 'removed', entries }];
  }

  async #online(
    caller: Caller,
    part: LogPart,
    range: ClosedRange,
    ages: RetentionClass,
    dryRun: boolean,
  ): Promise<Pick<RetentionStep, 'did' | 'entries'>[]> {
    // A look at the whole part is dear: not before it can be of use.
    if (!this.#over(part.cutAt, ages.minDays - 1)) return [];
    const contents = await this.#contents(range, ages);
    if (contents === undefined || !this.#over(contents.lastAt, ages.minDays)) return [];
    const { entries, kinds } = contents;
    const past = ages.maxDays !== undefined && this.#over(contents.firstAt, ages.maxDays);
    if (this.archive.directory === undefined && !past) return [];
    if (await this.holds.holds({ ...range, kinds })) return [{ did: 'held', entries }];
    const row = { fromIndex: range.fromIndex, class: ages.name, ...contents };
    if (await this.wait.waits(caller, range, row, dryRun)) return [{ did: 'waits', entries }];
    if (past) {
      if (!dryRun) await this.#destroy(caller, range, row, ages.maxDays);
      return [{ did: 'destroyed', entries }];
    }
    if (!dryRun) await this.#remove(caller, range, await this.#archive(caller, range, row));
    return [
      { did: 'archived', entries },
      { did: 'removed', entries },
    ];
  }

  async #archive(
    caller: Caller,
    range: ClosedRange,
    row: Omit<PartArchive, 'state' | 'file' | 'sha256' | 'restoredAt'>,
  ): Promise<PartArchive> {
    const written = await this.archive.write(range, row.class, row.kinds);
    crashPoint('archive.written');
    await this.archive.verify(range, { ...written, entries: row.entries });
    crashPoint('archive.verified');
    await this.transactions.run(async (tx) => {
      await tx.query(
        `INSERT INTO audit_archive
           (from_idx, class, state, kinds, entries, first_at, last_at, file, sha256, archived_at, members)
         VALUES ($1, $2, 'archived', $3, $4, $5, $6, $7, decode($8, 'hex'), $9, $10)`,
        [
          ...keyOf(row),
          written.file,
          written.sha256,
          this.clock.now(),
          await membersOf(tx, range, row.kinds),
        ],
      );
      const data = { ...recorded(range, row), kinds: row.kinds, file: written.file, sha256: written.sha256 };
      await this.audit.append(tx, 'audit.archived', { caller }, data);
    });
    crashPoint('archive.recorded');
    return { ...row, ...written, state: 'archived', restoredAt: undefined };
  }

  /** The file is read again, whoever wrote it and whenever: what leaves the database is in it. */
  async #remove(caller: Caller, range: ClosedRange, archived: PartArchive): Promise<void> {
    const { file, sha256, entries, kinds, state } = archived;
    if (file === undefined || sha256 === undefined) throw new Error('there is no file of these entries');
    await this.archive.verify(range, { file, sha256, entries });
    await this.transactions.run(async (tx) => {
      await this.#takeOut(tx, range, kinds, entries);
      await this.#state(tx, archived, 'removed', state);
      await this.audit.append(tx, 'audit.removed', { caller }, { ...recorded(range, archived), sha256 });
      crashPoint('archive.remove.before-commit');
    });
    crashPoint('archive.removed');
  }

  async #destroy(
    caller: Caller,
    range: ClosedRange,
    row: Omit<PartArchive, 'state' | 'file' | 'sha256' | 'restoredAt'> & Partial<PartArchive>,
    maxDays: number | undefined,
  ): Promise<void> {
    const { state } = row;
    const members =
      state === undefined ? await membersOf(this.transactions.reads, range, row.kinds) : undefined;
    await this.transactions.run(async (tx) => {
      if (state !== 'removed') await this.#takeOut(tx, range, row.kinds, row.entries);
      else {
        await this.holds.freeze(tx);
        if (await this.holds.mayHold(row.firstAt, row.lastAt, row.kinds, tx)) throw new HeldMeanwhile();
      }
      if (state === undefined)
        await tx.query(
          `INSERT INTO audit_archive (from_idx, class, state, kinds, entries, first_at, last_at, destroyed_at, members)
           VALUES ($1, $2, 'destroyed', $3, $4, $5, $6, $7, $8)`,
          [...keyOf(row), this.clock.now(), members],
        );
      else await this.#state(tx, row as PartArchive, 'destroyed', state);
      const data = { ...recorded(range, row), max_days: maxDays ?? 0 };
      await this.audit.append(tx, 'audit.destroyed', { caller }, data);
      crashPoint('archive.destroy.before-commit');
    });
    crashPoint('archive.destroyed');
    // After the commit: a file that is recorded and gone would be a loss; one that is left over goes next time.
    await this.archive.erase(range, row.class, this.clock.now());
  }

  async #takeOut(tx: Tx, range: ClosedRange, kinds: readonly string[], entries: number): Promise<void> {
    const rebuild = new PartRebuild(tx, range);
    const leftOut = await rebuild.begin(kinds);
    if (leftOut !== entries)
      throw new Error(`${leftOut} entries would leave the database where ${entries} were archived`);
    await this.holds.freeze(tx);
    if (await this.holds.holds({ ...range, kinds }, tx)) throw new HeldMeanwhile();
    await rebuild.swap();
  }

  async #held(range: ClosedRange, { state, firstAt, lastAt, kinds }: PartArchive): Promise<boolean> {
    return state === 'removed'
      ? this.holds.mayHold(firstAt, lastAt, kinds)
      : this.holds.holds({ ...range, kinds });
  }

  async #state(tx: Tx, row: PartArchive, to: string, from: string): Promise<void> {
    const [, changed] = await tx.query<[unknown[], number]>(
      `UPDATE audit_archive SET state = $3, ${to}_at = $5 WHERE from_idx = $1 AND class = $2 AND state = $4`,
      [row.fromIndex, row.class, to, from, this.clock.now()],
    );
    if (changed !== 1) throw new Error('somebody else did something with this archive meanwhile');
  }

  async #contents({ fromIndex, toIndex }: ClosedRange, ages: RetentionClass): Promise<Contents | undefined> {
    const [row] = await this.transactions.reads.query<
      { kinds: string[] | null; entries: string; first_at: Date; last_at: Date }[]
    >(
      `SELECT array_agg(DISTINCT kind) AS kinds, count(*) AS entries, min(occurred_at) AS first_at,
         max(occurred_at) AS last_at
       FROM audit_entry WHERE idx >= $1::bigint AND idx < $2::bigint
         AND (kind = ANY($3::text[]) OR ($4 AND kind <> ALL($5::text[])))`,
      [fromIndex, toIndex, ages.kinds, ages.name === 'default', this.#known()],
    );
    if (row === undefined || row.kinds === null) return undefined;
    return { kinds: row.kinds, entries: Number(row.entries), firstAt: row.first_at, lastAt: row.last_at };
  }

  /** Kinds that some class has by name; what a former version wrote, and nobody knows now, is `default`. */
  #known(): string[] {
    const { retention } = this.settings.values.audit;
    return retentionClasses(retention).flatMap(({ kinds }) => kinds);
  }

  #over(since: Date | undefined, days: number): boolean {
    return since !== undefined && this.clock.now().getTime() - since.getTime() >= days * DAY_MS;
  }
}

/** A hold was placed while entries were about to go; they stayed. */
export class HeldMeanwhile extends Error {
  override readonly name = 'HeldMeanwhile';
  readonly code = 'legal_hold';
}
