import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { Clock } from '../../kernel/clock.js';
import { Log } from '../../kernel/log.js';
import { safeErrorFields } from '../../kernel/safe-error.js';
import { Settings } from '../../settings/schema.js';
import { CredentialSource } from '../credential-source.js';
import { codeOf } from '../failure.js';
import type { CataloguePath } from './catalogue-paths.js';
import { LiveRows, slackOf, windowOf, type LiveRow } from './live-rows.js';
import type { RunReport } from './run-report.js';
import { Settlement } from './settlement.js';
import { explain, type FoundAt, type Window } from './time-windows.js';
import { VaultInventory } from './vault-inventory.js';

/** Leases this close to their expiry are left to it: Vault may have ended them a moment early. */
const NEAR_EXPIRY_MS = 5_000;
const CHUNK = 1_000;
const REMEMBERED = 20_000;
/** Of one path, so many that no row explains are asked about again where nothing is settled: no more are listed. */
const ASKED_AGAIN_TO_LOOK = 1_000;

/** What several paths of one run share. */
export interface VaultSide {
  /** Accessors that Vault has and no row was seen with yet; undefined where they cannot be listed. */
  readonly accessors: Set<string> | undefined;
  readonly vaultAheadMs: number;
  /** Leases known by their token alone that may still be looked up one by one in this run. */
  tokenLooks: number;
  tokensSkipped: number;
}

/**
 * Compares the rows of one path with Vault's leases below it, both ways. Vault is listed first and the rows are read
 * after that, and a row is always on disk before Vault has its lease: so a lease that was listed and has no row is
 * unknown, however young it is. A row that does not know the id of its lease (wrapped, or being issued) explains one
 * lease made in its time.
 *
 * In memory: the ids that one path has in Vault, and a page of rows.
 */
@Injectable()
export class VaultComparison {
  readonly #issuedMs = new LRUCache<string, number>({ max: REMEMBERED });

  constructor(
    private readonly source: CredentialSource,
    private readonly inventory: VaultInventory,
    private readonly rows: LiveRows,
    private readonly settlement: Settlement,
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** Compares one path. What cannot be listed is reported; then each row is looked up instead. */
  async compare(path: CataloguePath, side: VaultSide, report: RunReport): Promise<void> {
    const listed = await this.list(path, report);
    const windows: Window[] = [];
    const slackMs = slackOf(this.settings, side.vaultAheadMs);
    for (const credential of path.credentials) {
      for await (const page of this.rows.pages(credential)) {
        report.saw('rows', page.length);
        for (const row of page) {
          if (row.vault_lease_id === null) windows.push(windowOf(row, slackMs));
          const had = side.accessors?.delete(row.accessor) ?? false;
          const seen = row.vault_lease_id === null ? had : (listed?.delete(row.vault_lease_id) ?? false);
          if (!seen) await this.missing(row, credential, path, side, report);
        }
        await report.save();
      }
    }
    if (listed !== undefined) await this.unknown(path, listed, windows, side, report);
  }

  private async list(
    { kind, mount, path }: CataloguePath,
    report: RunReport,
  ): Promise<Set<string> | undefined> {
    if (kind === 'kv') return undefined;
    try {
      await report.pace.turn();
      const listed = await this.source.listLeases(mount, kind, path);
      report.saw('vaultLeases', listed.length);
      return new Set(listed);
    } catch (error) {
      if (report.signal.aborted) throw error;
      this.log.warn({ mount, ...safeErrorFields(error) }, 'the leases of a path could not be listed');
      report.didNotLookAt(`leases that no row knows below ${mount}/${path}`, `Vault: ${codeOf(error)}`);
      return undefined;
    }
  }

  /** An active row that the listing does not have: asked about by itself, since it may be younger than the listing. */
  private async missing(
    row: LiveRow,
    credential: string,
    { mount }: CataloguePath,
    side: VaultSide,
    report: RunReport,
  ): Promise<void> {
    if (row.state !== 'active' || this.isNearExpiry(row.expires_at)) return;
    const what = row.vault_lease_id === null ? 'token' : 'lease';
    if (what === 'token' && side.accessors === undefined && (side.tokenLooks -= 1) < 0) {
      side.tokensSkipped += 1;
      return;
    }
    await report.pace.turn();
    const presence =
      row.vault_lease_id === null
        ? await this.source.lookUpAccessor(row.accessor)
        : await this.source.lookUpLease(row.vault_lease_id);
    if (presence === 'present') return;
    // A page of rows is looked up for as long as the pace takes, and leases come to their end meanwhile. No row is `active`
    // any more when Vault is asked to revoke its lease: one that still is now has been lost.
    const activeUntil = await this.rows.activeUntil(row.id);
    if (activeUntil === undefined || this.isNearExpiry(activeUntil)) return;
    await report.propose({
      finding: {
        kind: 'lease_lost',
        detail: `active here, and Vault does not know its ${what}; its user may live on at the target`,
        credential,
        mount,
        leaseId: row.id,
      },
      act: () => this.settlement.markLost(row.id, what),
    });
  }

  private isNearExpiry(expiresAt: Date): boolean {
    return expiresAt.getTime() <= this.clock.now().getTime() + NEAR_EXPIRY_MS;
  }

  private async unknown(
    path: CataloguePath,
    listed: ReadonlySet<string>,
    windows: readonly Window[],
    side: VaultSide,
    report: RunReport,
  ): Promise<void> {
    const found: FoundAt<string>[] = [];
    const ids = [...listed];
    for (let at = 0; at < ids.length; at += CHUNK) {
      const chunk = ids.slice(at, at + CHUNK);
      const known = await this.rows.knownOf('vault_lease_id', chunk, report.startedAt);
      for (const id of chunk) {
        if (known.has(id)) continue;
        // Without a row that could be about it, there is nothing that its time could tell.
        if (windows.length === 0) found.push({ thing: id, atMs: undefined });
        else await this.timed(id, side, report, found);
      }
    }
    const { unexplained, ambiguous, excess } = explain(found, windows);
    const [credential = ''] = path.credentials;
    for (const [at, id] of unexplained.entries()) {
      const asIs = report.tooMany || (report.mode === 'look' && at >= ASKED_AGAIN_TO_LOOK);
      if (!asIs && (await this.hasEnded(id, report))) continue;
      await report.propose({
        finding: {
          kind: 'lease_unknown',
          detail: 'Vault has this lease of ours, and no row knows it',
          credential,
          mount: path.mount,
          vaultLease: id,
        },
        act: () => this.settlement.revokeLease(id, credential, path.mount),
      });
    }
    for (const id of ambiguous) {
      await report.add({
        kind: 'lease_ambiguous',
        detail: `${excess} of ${ambiguous.length} leases are too many for the wrapped ones that were made at the same time`,
        credential,
        mount: path.mount,
        vaultLease: id,
        action: 'none',
      });
    }
  }

  /**
   * Whether a listed lease is gone by now: it may have come to its end since, and a row that never knew its id (wrapped)
   * or was ended by the clock of another replica does not say so.
   */
  private async hasEnded(id: string, report: RunReport): Promise<boolean> {
    await report.pace.turn();
    return (await this.source.lookUpLease(id)) !== 'present';
  }

  private async timed(
    id: string,
    side: VaultSide,
    report: RunReport,
    found: FoundAt<string>[],
  ): Promise<void> {
    let issuedMs = this.#issuedMs.get(id);
    if (issuedMs === undefined) {
      await report.pace.turn();
      issuedMs = (await this.inventory.leaseIssuedAt(id))?.getTime();
      // It has ended since it was listed.
      if (issuedMs === undefined) return;
      this.#issuedMs.set(id, issuedMs);
    }
    found.push({ thing: id, atMs: issuedMs - side.vaultAheadMs });
  }
}
