import { Injectable, type OnModuleInit } from '@nestjs/common';
import { Transactions } from '../../database/transaction.js';
import { Clock } from '../../kernel/clock.js';
import { JobRegistry, MOMENTS_MS, type Progress } from '../../scheduler/job.js';
import { Settings } from '../../settings/schema.js';
import { Blocks } from './blocks.js';
import { Revocations } from './revocations.js';

const AT_ONCE = 100;
/** A revocation that gathers for longer than this has lost its replica, or is helped. */
const GATHERING_MS = 10_000;
const DAY_MS = 86_400_000;

/** The work on revocations and blocks that comes round, so that none of it depends on the replica that began it. */
@Injectable()
export class KillJobs implements OnModuleInit {
  constructor(
    private readonly registry: JobRegistry,
    private readonly transactions: Transactions,
    private readonly revocations: Revocations,
    private readonly blocks: Blocks,
    private readonly settings: Settings,
    private readonly clock: Clock,
  ) {}

  onModuleInit(): void {
    this.registry.add({
      name: 'revocations.advance',
      everyMs: 2_000,
      sharing: 'exclusive',
      longestMs: MOMENTS_MS,
      run: async (signal, progress) => ({
        worked: (await this.gather(signal, progress)) + (await this.finish(signal, progress)),
      }),
    });
    this.registry.add({
      name: 'blocks.lift',
      everyMs: 1_000,
      sharing: 'exclusive',
      longestMs: MOMENTS_MS,
      run: async () => ({ worked: await this.blocks.liftDue(AT_ONCE) }),
    });
    this.registry.add({
      name: 'revocations.retention',
      everyMs: 3_600_000,
      sharing: 'exclusive',
      longestMs: MOMENTS_MS,
      run: async () => ({ worked: await this.drop() }),
    });
  }

  /** Goes on with those whose replica died while it gathered. */
  private async gather(signal: AbortSignal, progress: Progress): Promise<number> {
    const before = new Date(this.clock.now().getTime() - GATHERING_MS);
    const ids = await this.ids(
      `v.state = 'marking' AND v.requested_at < $1 ORDER BY v.id LIMIT ${AT_ONCE}`,
      before,
    );
    for (const id of ids) {
      if (signal.aborted) break;
      await this.revocations.gather(id);
      progress();
    }
    return ids.length;
  }

  /** Writes down the end of those of which nothing is outstanding. */
  private async finish(signal: AbortSignal, progress: Progress): Promise<number> {
    const ids = await this.ids(
      `v.state = 'revoking' AND v.requested_at < $1 AND NOT EXISTS (
         SELECT 1 FROM revocation_leases x JOIN leases l ON l.id = x.lease_id
         WHERE x.revocation_id = v.id AND l.ended_at IS NULL)
       ORDER BY v.id LIMIT ${AT_ONCE}`,
      this.clock.now(),
    );
    for (const id of ids) {
      if (signal.aborted) break;
      await this.revocations.progress(id);
      progress();
    }
    return ids.length;
  }

  private async drop(): Promise<number> {
    const days = this.settings.values.retention.endedLeasesDays;
    const rows = await this.transactions.reads.query<unknown[]>(
      `WITH dropped AS (DELETE FROM revocations WHERE id = ANY(ARRAY(
         SELECT id FROM revocations WHERE state = 'done' AND finished_at < $1 LIMIT 5000)) RETURNING id)
       SELECT id FROM dropped`,
      [new Date(this.clock.now().getTime() - days * DAY_MS)],
    );
    return rows.length;
  }

  private async ids(condition: string, value: Date): Promise<string[]> {
    const rows = await this.transactions.reads.query<{ id: string }[]>(
      `SELECT v.id FROM revocations v WHERE ${condition}`,
      [value],
    );
    return rows.map(({ id }) => id);
  }
}
