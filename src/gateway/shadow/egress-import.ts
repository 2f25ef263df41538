import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../../audit/audit-inbox.js';
import { Transactions, type Tx } from '../../database/transaction.js';
import { actorName, type Caller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import { Ids } from '../../kernel/ids.js';
import { Settings } from '../../settings/schema.js';
import { EgressGroups, type EgressGroup } from './egress-groups.js';
import { EGRESS_READERS, type EgressFormat } from './format/formats.js';
import { isPlausible } from './log-age.js';
import { readLines } from './log-lines.js';
import { ManagedHosts, type ManagedHost } from './managed-hosts.js';
import { OwnIdentity } from './own-identity.js';
import { insertBatch, type BatchSummary } from './shadow-batches.js';

/** Takes logs of what leaves the network, and records what reached a managed host and was not sent by us. */
@Injectable()
export class EgressImport {
  constructor(
    private readonly settings: Settings,
    private readonly hosts: ManagedHosts,
    private readonly audit: AuditInbox,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ids: Ids,
  ) {}

  /**
   * Reads a batch as it comes in and keeps only groups of it in memory. What was found, its events and the batch's
   * digest are one transaction: sent again after a failure it is counted once.
   */
  async take(caller: Caller, format: EgressFormat, body: AsyncIterable<Buffer>): Promise<BatchSummary> {
    const now = this.clock.now();
    const managed = new Map((await this.hosts.all()).map((host) => [host.host, host]));
    const own = new OwnIdentity(this.settings.values.gateway.egressIdentities);
    const read = EGRESS_READERS[format];
    const groups = new EgressGroups();
    const counts = { unreadable: 0, ours: 0, shadow: 0 };
    const { digest, lines } = await readLines(body, (line) => {
      const record = read(line, now);
      if (record === 'other') return;
      if (record === 'unreadable' || !isPlausible(record.at, now)) counts.unreadable += 1;
      else if (!managed.has(record.host)) return;
      else if (own.owns(record)) counts.ours += 1;
      else {
        counts.shadow += 1;
        groups.add(record);
      }
    });
    const found = groups.all();
    return this.transactions.run(async (tx) => {
      const summary = await insertBatch(
        tx,
        { digest, format },
        { ...counts, lines, undecided: 0, managed: counts.ours + counts.shadow, events: found.length },
        { at: now, by: actorName(caller.actor) },
      );
      if (summary.repeated) return summary;
      for (const group of found) await this.record(tx, caller, group, managed.get(group.host), summary.batch);
      await this.audit.append(
        tx,
        'shadow.imported',
        { caller },
        { format, batch: summary.batch, lines, unreadable: counts.unreadable, found: found.length },
      );
      return summary;
    });
  }

  private async record(
    tx: Tx,
    caller: Caller,
    group: EgressGroup,
    managed: ManagedHost | undefined,
    batch: string,
  ): Promise<void> {
    const tools = managed?.tools ?? [];
    await tx.query(
      `INSERT INTO shadow_egress AS s (id, day, host, tools, evidence, allowed, source, workload, pod, count, first_at, last_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
       ON CONFLICT (day, host, evidence, allowed, source, workload, pod) DO UPDATE SET
         tools = excluded.tools, count = s.count + excluded.count,
         first_at = least(s.first_at, excluded.first_at), last_at = greatest(s.last_at, excluded.last_at)`,
      [
        this.ids.uuid(),
        group.day,
        group.host,
        tools,
        group.evidence,
        group.allowed,
        group.source ?? '',
        group.workload ?? '',
        group.pod ?? '',
        group.count,
        group.firstAt,
        group.lastAt,
      ],
    );
    const only = tools.length === 1 ? tools[0] : undefined;
    await this.audit.append(
      tx,
      'shadow.egress',
      { caller, outcome: 'failure', ...(only === undefined ? {} : { tool: { name: only } }) },
      {
        host: group.host,
        tools: tools.slice(0, 64),
        evidence: group.evidence,
        allowed: group.allowed,
        source: group.source,
        workload: group.workload,
        pod: group.pod,
        count: group.count,
        first_at: group.firstAt.toISOString(),
        last_at: group.lastAt.toISOString(),
        batch,
      },
    );
  }
}
