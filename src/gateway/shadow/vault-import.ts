import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../../audit/audit-inbox.js';
import { Transactions, type Tx } from '../../database/transaction.js';
import { actorName, type Caller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import { Settings } from '../../settings/schema.js';
import { CredentialPaths, type ManagedPath } from './credential-paths.js';
import { KnownAccessors } from './known-accessors.js';
import { isPlausible } from './log-age.js';
import { readLines } from './log-lines.js';
import { insertBatch, type BatchSummary } from './shadow-batches.js';
import { readVaultAudit, type VaultRequest } from './vault-audit-line.js';

/** Groups of one batch that are told apart; further reads are counted with those of their credential. */
const MOST_GROUPS = 1_000;
const DAY_MS = 86_400_000;
/** Under which name batches of Vault's log are written down. */
export const VAULT_FORMAT = 'vault-audit';

interface ReadGroup {
  readonly managed: ManagedPath;
  readonly first: VaultRequest;
  readonly apart: boolean;
  count: number;
  firstAt: Date;
  lastAt: Date;
}

/** Takes lines of Vault's audit log, and records reads of managed credentials that were not for a lease of ours. */
@Injectable()
export class VaultImport {
  constructor(
    private readonly settings: Settings,
    private readonly paths: CredentialPaths,
    private readonly accessors: KnownAccessors,
    private readonly audit: AuditInbox,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /** As {@link EgressImport.take}. A read of which nobody can tell whose it was counts as undecided, and is no event. */
  async take(caller: Caller, body: AsyncIterable<Buffer>): Promise<BatchSummary> {
    const now = this.clock.now();
    const paths = await this.paths.all();
    const check = this.accessors.check();
    // Whose leases are dropped by now nobody can tell any more.
    const remembered = new Date(now.getTime() - this.settings.values.retention.endedLeasesDays * DAY_MS);
    const groups = new Map<string, ReadGroup>();
    const counts = { unreadable: 0, ours: 0, undecided: 0, shadow: 0 };
    const { digest, lines } = await readLines(body, async (line) => {
      const request = readVaultAudit(line);
      if (request === 'other') return;
      if (request === 'unreadable' || !isPlausible(request.at, now)) {
        counts.unreadable += 1;
        return;
      }
      const managed = paths.get(request.path);
      if (managed === undefined || !managed.operations.includes(request.operation)) return;
      const ownership =
        request.at < remembered
          ? 'undecided'
          : await check.ownership(managed.credential, request.accessor, request.at);
      counts[ownership] += 1;
      if (ownership === 'shadow') addRead(groups, managed, request);
    });
    const { ours, undecided, shadow } = counts;
    return this.transactions.run(async (tx) => {
      const summary = await insertBatch(
        tx,
        { digest, format: VAULT_FORMAT },
        { ...counts, lines, managed: ours + undecided + shadow, events: groups.size },
        { at: now, by: actorName(caller.actor) },
      );
      if (summary.repeated) return summary;
      for (const group of groups.values()) await this.record(tx, caller, group, summary.batch);
      await this.audit.append(
        tx,
        'shadow.imported',
        { caller },
        {
          format: VAULT_FORMAT,
          batch: summary.batch,
          lines,
          unreadable: counts.unreadable,
          found: groups.size,
        },
      );
      return summary;
    });
  }

  private async record(tx: Tx, caller: Caller, group: ReadGroup, batch: string): Promise<void> {
    const { managed, first, apart } = group;
    await this.audit.append(
      tx,
      'shadow.vault_read',
      { caller, outcome: 'failure', credential: managed.credential },
      {
        mount: managed.mount,
        path: managed.path,
        accessor: apart ? first.accessor : undefined,
        display_name: apart ? first.displayName : undefined,
        source: apart ? first.source : undefined,
        vault_request: first.id,
        count: group.count,
        first_at: group.firstAt.toISOString(),
        last_at: group.lastAt.toISOString(),
        batch,
      },
    );
  }
}

function addRead(groups: Map<string, ReadGroup>, managed: ManagedPath, request: VaultRequest): void {
  const own = JSON.stringify([managed.path, request.accessor ?? '', request.source ?? '']);
  const apart = groups.has(own) || groups.size < MOST_GROUPS;
  const key = apart ? own : managed.path;
  const group = groups.get(key);
  if (group === undefined) {
    groups.set(key, { managed, first: request, apart, count: 1, firstAt: request.at, lastAt: request.at });
    return;
  }
  group.count += 1;
  if (request.at < group.firstAt) group.firstAt = request.at;
  if (request.at > group.lastAt) group.lastAt = request.at;
}
