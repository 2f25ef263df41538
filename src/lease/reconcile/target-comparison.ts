import { Injectable } from '@nestjs/common';
import { Log } from '../../kernel/log.js';
import { safeErrorFields, safeErrorText } from '../../kernel/safe-error.js';
import type { ReconciliationTarget } from '../../settings/reconciliation-schema.js';
import { Settings } from '../../settings/schema.js';
import type { CataloguePath } from './catalogue-paths.js';
import { LiveRows, slackOf } from './live-rows.js';
import type { RunReport } from './run-report.js';
import { targetUsers } from './target-listing.js';
import { explain, type FoundAt } from './time-windows.js';
import { userMadeMs, vaultUserTest } from './vault-user-name.js';

/**
 * Compares the users of targets with the leases. A user that no lease explains is reported, never dropped: the broker
 * has no right to change a target, and what made the user may be somebody else's.
 *
 * Users are listed before the rows are read, so one that is being made has its row by then.
 */
@Injectable()
export class TargetComparison {
  constructor(
    private readonly rows: LiveRows,
    private readonly settings: Settings,
    private readonly log: Log,
  ) {}

  /** Compares every configured target, and reports the database engines that have none. */
  async compare(paths: readonly CataloguePath[], vaultAheadMs: number, report: RunReport): Promise<void> {
    const { targets } = this.settings.values.reconciliation;
    const engines = paths.filter(({ kind }) => kind === 'database');
    for (const mount of new Set(engines.map(({ mount }) => mount))) {
      if (targets.some((target) => target.mount === mount)) continue;
      report.didNotLookAt(`users at the target of ${mount}`, 'it is not in reconciliation.targets');
    }
    for (const target of targets) {
      const served = engines.filter(({ mount }) => mount === target.mount);
      try {
        await this.compareOne(target, served, vaultAheadMs, report);
      } catch (error) {
        if (report.signal.aborted) throw error;
        this.log.warn(
          { mount: target.mount, ...safeErrorFields(error) },
          'the users of a target could not be listed',
        );
        report.didNotLookAt(`users at the target of ${target.mount}`, `it answers: ${safeErrorText(error)}`);
      }
      await report.save();
    }
  }

  private async compareOne(
    target: ReconciliationTarget,
    served: readonly CataloguePath[],
    vaultAheadMs: number,
    report: RunReport,
  ): Promise<void> {
    const credentials = served.flatMap((path) => path.credentials);
    const madeByVault = vaultUserTest(
      served.map(({ path }) => path),
      target.userPattern,
    );
    const found: FoundAt<string>[] = [];
    for await (const page of targetUsers(target, report.signal)) {
      const users = page.filter(madeByVault);
      if (users.length === 0) continue;
      report.saw('targetUsers', users.length);
      const known = await this.rows.knownAccounts(credentials, users, report.startedAt);
      for (const user of users) {
        if (known.has(user)) continue;
        const madeMs = userMadeMs(user);
        found.push({ thing: user, atMs: madeMs === undefined ? undefined : madeMs - vaultAheadMs });
      }
    }
    if (found.length === 0) return;
    const slackMs = slackOf(this.settings, vaultAheadMs);
    const windows = await this.rows.namelessWindows(credentials, slackMs);
    const { unexplained, ambiguous, excess } = explain(found, windows);
    const { mount } = target;
    for (const account of unexplained) {
      const detail =
        'a user at the target that no live lease explains; find out whose it is, then drop it there';
      await report.add({ kind: 'target_user', detail, mount, account, action: 'none' });
    }
    for (const account of ambiguous) {
      const detail = `${excess} of ${ambiguous.length} users are too many for the wrapped leases of their time`;
      await report.add({ kind: 'target_user', detail, mount, account, action: 'none' });
    }
  }
}
