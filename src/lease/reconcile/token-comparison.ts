import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Clock } from '../../kernel/clock.js';
import { isUuid } from '../../kernel/ids.js';
import { Log } from '../../kernel/log.js';
import { safeErrorFields } from '../../kernel/safe-error.js';
import { Settings } from '../../settings/schema.js';
import { codeOf } from '../failure.js';
import { LiveRows } from './live-rows.js';
import type { RunReport } from './run-report.js';
import { Settlement } from './settlement.js';
import type { VaultSide } from './vault-comparison.js';
import { VaultInventory } from './vault-inventory.js';

const WHAT = 'tokens of leases that no row knows';
const CHUNK = 1_000;
const REMEMBERED = 100_000;

/** Compares the tokens that Vault has with the rows, where the broker may list them. */
@Injectable()
export class TokenComparison {
  /** Tokens of others, which stay so: each is looked at once. */
  readonly #foreign = new LRUCache<string, true>({ max: REMEMBERED });

  constructor(
    private readonly inventory: VaultInventory,
    private readonly rows: LiveRows,
    private readonly settlement: Settlement,
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** Every accessor that Vault has; undefined, with a reason in the report, where it may not be asked. */
  async list(report: RunReport): Promise<Set<string> | undefined> {
    if (!this.settings.values.reconciliation.listTokens) {
      report.didNotLookAt(WHAT, 'reconciliation.listTokens is off');
      return undefined;
    }
    try {
      await report.pace.turn();
      const accessors = await this.inventory.listAccessors();
      report.saw('tokens', accessors.length);
      return new Set(accessors);
    } catch (error) {
      if (report.signal.aborted) throw error;
      this.log.warn(safeErrorFields(error), 'tokens could not be listed');
      report.didNotLookAt(WHAT, `Vault: ${codeOf(error)}; \`leasegate vault apply\` grants the right`);
      return undefined;
    }
  }

  /** Looks at the accessors that no row was seen with. */
  async compare(side: VaultSide, report: RunReport): Promise<void> {
    const left = [...(side.accessors ?? [])].filter((accessor) => !this.#foreign.has(accessor));
    const boundMs = this.settings.values.leases.issuingBoundSeconds * 1_000;
    for (let at = 0; at < left.length; at += CHUNK) {
      const chunk = left.slice(at, at + CHUNK);
      const known = await this.rows.knownOf('accessor', chunk, report.startedAt);
      for (const accessor of chunk) {
        if (known.has(accessor)) continue;
        await report.pace.turn();
        const token = await this.inventory.describeToken(accessor);
        if (token !== undefined && !token.ofLease) this.#foreign.set(accessor, true);
        if (token === undefined || !token.ofLease) continue;
        // A token is made before its row is on disk.
        const ageMs = this.clock.now().getTime() + side.vaultAheadMs - token.createdAt.getTime();
        if (ageMs < boundMs) continue;
        await report.propose({
          finding: {
            kind: 'token_unknown',
            detail: 'Vault has a token of a lease that no row knows',
            leaseId: token.leaseId !== undefined && isUuid(token.leaseId) ? token.leaseId : undefined,
          },
          act: () => this.settlement.revokeToken(accessor),
        });
      }
      await report.save();
    }
  }
}
