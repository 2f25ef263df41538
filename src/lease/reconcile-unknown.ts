import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../audit/audit-inbox.js';
import { CredentialCatalogue } from '../credential/credential-catalogue.js';
import type { Credential } from '../credential/credential.js';
import { Transactions } from '../database/transaction.js';
import { systemCaller } from '../kernel/caller.js';
import { Clock } from '../kernel/clock.js';
import { crashPoint } from '../kernel/crash-point.js';
import { Ids } from '../kernel/ids.js';
import { Log } from '../kernel/log.js';
import { safeErrorFields } from '../kernel/safe-error.js';
import { Settings } from '../settings/schema.js';
import { CredentialSource } from './credential-source.js';
import { NOT_ENDED } from './lease-row.js';

const PAGE = 200;

/**
 * Finds leases in Vault below the paths of the catalogue that no row knows: what a crash or a restored database left,
 * or what somebody read around the broker. The roles of the catalogue are the broker's own, so these are revoked.
 *
 * A lease that is being issued is in Vault before its id is in its row, so one is only revoked when it is still
 * unknown as long after it was first seen as issuing may take. What was seen is kept in memory; a replica that starts
 * sees it anew.
 *
 * The ids of wrapped credentials are never known here, so a path that has live wrapped leases is passed over; what is
 * unknown there ends with Vault's own TTL.
 */
@Injectable()
export class UnknownLeases {
  readonly #firstSeenMs = new Map<string, number>();

  constructor(
    private readonly source: CredentialSource,
    private readonly catalogue: CredentialCatalogue,
    private readonly transactions: Transactions,
    private readonly audit: AuditInbox,
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly log: Log,
  ) {}

  /** Looks below every path once; answers how many leases it revoked. A path that cannot be listed is logged. */
  async run(signal: AbortSignal): Promise<number> {
    let revoked = 0;
    const seen = new Set<string>();
    for (const credential of await this.credentials()) {
      if (signal.aborted) return revoked;
      try {
        for (const id of await this.unknown(credential)) {
          seen.add(id);
          if (this.knownForLong(id) && (await this.revoke(credential, id))) revoked += 1;
        }
      } catch (error) {
        this.log.warn(
          { credential: credential.name, mount: credential.mount, ...safeErrorFields(error) },
          'the leases of a credential could not be compared with Vault',
        );
      }
    }
    for (const id of this.#firstSeenMs.keys()) if (!seen.has(id)) this.#firstSeenMs.delete(id);
    return revoked;
  }

  /** One credential a path: several may share a role. */
  private async credentials(): Promise<readonly Credential[]> {
    const byPath = new Map<string, Credential>();
    let cursor: string | null = null;
    do {
      const page = await this.catalogue.list({ limit: PAGE, ...(cursor !== null && { cursor }) });
      for (const credential of page.items) {
        if (credential.kind === 'kv') continue;
        byPath.set(`${credential.kind} ${credential.mount} ${credential.path}`, credential);
      }
      cursor = page.nextCursor;
    } while (cursor !== null);
    return [...byPath.values()];
  }

  private async unknown({ mount, kind, path }: Credential): Promise<readonly string[]> {
    const listed = await this.source.listLeases(mount, kind, path);
    if (listed.length === 0) return [];
    // Asked after the listing: a lease that became active in between is in its row by now.
    const [facts] = await this.transactions.reads.query<{ known: string[]; wrapped: boolean }[]>(
      `SELECT ARRAY(SELECT vault_lease_id FROM leases
           WHERE vault_lease_id = ANY($1::text[]) AND ${NOT_ENDED}) AS known,
         EXISTS (SELECT 1 FROM leases l JOIN credentials c ON c.name = l.credential
           WHERE c.mount = $2 AND c.path = $3 AND l.delivery = 'wrapped' AND l.${NOT_ENDED}) AS wrapped`,
      [listed, mount, path],
    );
    if (facts === undefined || facts.wrapped) return [];
    const known = new Set(facts.known);
    return listed.filter((id) => !known.has(id));
  }

  private knownForLong(id: string): boolean {
    const nowMs = this.clock.monotonicMs();
    const firstSeenMs = this.#firstSeenMs.get(id);
    if (firstSeenMs === undefined) this.#firstSeenMs.set(id, nowMs);
    const boundMs = this.settings.values.leases.issuingBoundSeconds * 1000;
    return firstSeenMs !== undefined && nowMs - firstSeenMs >= boundMs;
  }

  /** Records what was found, then ends it, then records that: what fails in between was told all the same. */
  private async revoke({ name, mount }: Credential, id: string): Promise<boolean> {
    const context = { caller: systemCaller('reconcile-vault', this.ids.uuid()), credential: name };
    const found = { mount, vault_lease: id };
    await this.audit.record(
      'lease.unknown_found',
      { ...context, outcome: 'failure' },
      { ...found, revoked: false },
    );
    crashPoint('reconcile.unknown.found');
    await this.source.revokeLease(id);
    crashPoint('reconcile.unknown.revoked');
    await this.audit.record('lease.unknown_found', context, { ...found, revoked: true });
    this.#firstSeenMs.delete(id);
    return true;
  }
}
