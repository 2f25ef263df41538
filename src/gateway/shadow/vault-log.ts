import { Injectable } from '@nestjs/common';
import { AuditInbox } from '../../audit/audit-inbox.js';
import type { Tx } from '../../database/transaction.js';
import type { Caller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import { Settings } from '../../settings/schema.js';
import { CredentialPaths } from './credential-paths.js';
import { KnownAccessors } from './known-accessors.js';
import { LeaseUses } from './uses/lease-uses.js';
import { TokenLeases } from './uses/token-leases.js';
import { VaultReading, type ReadGroup } from './vault-reading.js';

const DAY_MS = 86_400_000;

/** Reads batches of Vault's audit log, and records what they say: the same whichever way they came. */
@Injectable()
export class VaultLog {
  constructor(
    private readonly settings: Settings,
    private readonly paths: CredentialPaths,
    private readonly accessors: KnownAccessors,
    private readonly leases: TokenLeases,
    private readonly uses: LeaseUses,
    private readonly audit: AuditInbox,
    private readonly clock: Clock,
  ) {}

  /** Begins a batch of lines of that device; of a device that nobody knows, hashed values are matched with nothing. */
  async begin(device: string | undefined): Promise<VaultReading> {
    const now = this.clock.now();
    const { retention, vaultAudit } = this.settings.values;
    return new VaultReading({
      paths: await this.paths.all(),
      accessors: this.accessors.check(device),
      leases: this.leases,
      device,
      now,
      remembered: new Date(now.getTime() - retention.endedLeasesDays * DAY_MS),
      spanMs: vaultAudit.groupSeconds * 1_000,
    });
  }

  /** Writes down what a batch came to. `via` says where it came from, `batch` which it was. */
  async record(tx: Tx, caller: Caller, reading: VaultReading, via: string, batch: string): Promise<void> {
    await this.uses.add(tx, via, reading.uses());
    for (const group of reading.reads()) await this.#shadow(tx, caller, group, batch);
  }

  async #shadow(tx: Tx, caller: Caller, group: ReadGroup, batch: string): Promise<void> {
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
