import { Injectable } from '@nestjs/common';
import { systemCaller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import { Ids } from '../../kernel/ids.js';
import { Log } from '../../kernel/log.js';
import { safeErrorFields, safeErrorText } from '../../kernel/safe-error.js';
import type { Progress } from '../../scheduler/job.js';
import { Settings } from '../../settings/schema.js';
import { RevocationHold } from '../hold.js';
import { CataloguePaths } from './catalogue-paths.js';
import { Clocks } from './clocks.js';
import { IssuingReconciliation } from './issuing-rows.js';
import { Pace } from './pace.js';
import type { Reconciliation } from './reconciliation.js';
import { ReconciliationQueue } from './reconciliation-queue.js';
import { NoLongerRunning, RunReport, type Mode } from './run-report.js';
import { TargetComparison } from './target-comparison.js';
import { TokenComparison } from './token-comparison.js';
import { VaultComparison } from './vault-comparison.js';

/** Rows that are looked at in one go. */
const BATCH = 500;
/** Leases known by their token alone are looked up one by one: in rounds that nobody asked for, only so many. */
const TOKEN_LOOKS = 2_000;
const NEVER = new AbortController().signal;
const QUIETLY: Progress = () => undefined;

/** Compares what the database says with what Vault and the targets say, both ways. */
@Injectable()
export class Reconcile {
  constructor(
    private readonly hold: RevocationHold,
    private readonly issuingRows: IssuingReconciliation,
    private readonly queue: ReconciliationQueue,
    private readonly paths: CataloguePaths,
    private readonly vaultSide: VaultComparison,
    private readonly tokens: TokenComparison,
    private readonly targets: TargetComparison,
    private readonly clocks: Clocks,
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly log: Log,
  ) {}

  /** Rows that a crash left `issuing`; answers how many became `orphaned`. None while revocation is held. */
  async issuing(): Promise<{ readonly orphaned: number }> {
    return { orphaned: (await this.hold.held()) ? 0 : await this.issuingRows.run(BATCH) };
  }

  /** Does the reconciliation that waits longest; undefined when none waits. */
  async asked(
    signal: AbortSignal = NEVER,
    progress: Progress = QUIETLY,
  ): Promise<Reconciliation | undefined> {
    const next = await this.queue.next();
    if (next !== undefined) await this.run(next, next.dryRun ? 'look' : 'act', signal, progress);
    return next;
  }

  /**
   * Does a round that nobody asked for: settles what it finds when that is little, and holds revocation when it is
   * more than `reconciliation.holdAbove`. While revocation is held it only looks.
   */
  async round(
    signal: AbortSignal = NEVER,
    progress: Progress = QUIETLY,
  ): Promise<{ readonly acted: number }> {
    const held = await this.hold.held();
    const round = await this.queue.round(held);
    if (round === undefined) return { acted: 0 };
    // Somebody asked in between: then it is theirs that was started.
    const mode = round.trigger === 'scheduled' ? (held ? 'look' : 'guarded') : round.dryRun ? 'look' : 'act';
    return { acted: await this.run(round, mode, signal, progress) };
  }

  /** Whether it is time for a round, counted from the start of the last one on any replica. */
  async roundDue(): Promise<boolean> {
    const last = await this.queue.lastRoundAt();
    const everyMs = this.settings.values.reconciliation.everySeconds * 1_000;
    return last === undefined || this.clock.now().getTime() - last.getTime() >= everyMs;
  }

  private async run(
    run: Reconciliation,
    mode: Mode,
    signal: AbortSignal,
    progress: Progress,
  ): Promise<number> {
    const { vaultPerSecond, holdAbove } = this.settings.values.reconciliation;
    const report = new RunReport(
      mode,
      run.startedAt ?? this.clock.now(),
      new Pace(this.clock, vaultPerSecond, signal, progress),
      signal,
      { save: (summary, findings) => this.queue.save(run, summary, findings) },
      holdAbove,
    );
    try {
      await this.compareAll(report, run.trigger === 'scheduled');
      if (report.tooMany) await this.holdBecause(report);
      await this.queue.finish(run, 'done', report.summary);
    } catch (error) {
      // The replica stops or has lost the job: whoever has it next says so of this one.
      if (error instanceof NoLongerRunning || signal.aborted) return report.summary.acted;
      this.log.warn(safeErrorFields(error), 'a reconciliation failed');
      await this.queue.finish(run, 'failed', report.summary, safeErrorText(error));
    }
    return report.summary.acted;
  }

  private async compareAll(report: RunReport, round: boolean): Promise<void> {
    const skewMs = await this.clocks.measure();
    report.clocks(skewMs);
    for (const { of, skewMs: far } of this.clocks.tooFar(skewMs)) {
      const detail = `the clock of the ${of} is ${far} ms ahead of this replica's; let all keep time by NTP`;
      await report.add({ kind: 'clock_skew', detail, action: 'none' });
    }
    await this.issuingRows.report(report, BATCH);
    // Listed before any row is read, as each path is: what was listed and has no row then has none.
    const side = {
      accessors: await this.tokens.list(report),
      vaultAheadMs: skewMs.vault ?? 0,
      tokenLooks: round ? TOKEN_LOOKS : Infinity,
      tokensSkipped: 0,
    };
    const paths = await this.paths.all();
    for (const path of paths) await this.vaultSide.compare(path, side, report);
    if (side.tokensSkipped > 0) {
      const why = `${side.tokensSkipped} more than one round looks up; ask for a reconciliation to see all`;
      report.didNotLookAt('leases that Vault knows by their token alone', why);
    }
    await this.tokens.compare(side, report);
    await report.finish();
    await this.targets.compare(paths, side.vaultAheadMs, report);
    await report.save();
  }

  private async holdBecause(report: RunReport): Promise<void> {
    const { lease_lost: lost, lease_unknown: unknown, token_unknown: tokens } = report.summary.counts;
    const reason =
      `the books differ: Vault does not know ${lost} active leases, and has ${unknown} leases and ${tokens} tokens ` +
      'that no row knows; was one of them restored from a backup?';
    await this.hold.hold(systemCaller('reconcile-vault', this.ids.uuid()), reason);
  }
}
