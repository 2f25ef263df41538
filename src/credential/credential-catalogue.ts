import { Injectable } from '@nestjs/common';
import { actorName, type Caller } from '../kernel/caller.js';
import { BrokerError } from '../kernel/broker-error.js';
import { Clock } from '../kernel/clock.js';
import { Log } from '../kernel/log.js';
import type { OpenedRevocation } from '../kernel/opened-revocation.js';
import { safeErrorFields } from '../kernel/safe-error.js';
import { Transactions, type Tx } from '../database/transaction.js';
import { decodeCursor, pageOf, type Page } from '../database/page.js';
import { AuditInbox } from '../audit/audit-inbox.js';
import {
  credentialSpecSchema,
  type Credential,
  type CredentialKind,
  type CredentialSpecInput,
} from './credential.js';
import { changedFields, insertCredential, selectCredentials, updateCredential } from './credential-rows.js';
import { CredentialDisabled } from './credential-disabled.js';
import { checkLimit, parseSpec } from './spec.js';

/** Which entries of the catalogue, and which page of them. */
export interface CredentialFilter {
  readonly kind?: CredentialKind;
  readonly enabled?: boolean;
  /** 1 to 500. */
  readonly limit: number;
  readonly cursor?: string;
}

/** An entry that was disabled, and the revocation of its leases. */
export type DisabledEntry = Credential & OpenedRevocation;

/** The credentials that grants may name. Every change and its event are one transaction. */
@Injectable()
export class CredentialCatalogue {
  #disabled: CredentialDisabled | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly transactions: Transactions,
    private readonly audit: AuditInbox,
    private readonly log: Log,
  ) {}

  /** Registers what happens to live leases; the lease module does so when it starts. */
  whenDisabled(port: CredentialDisabled): void {
    this.#disabled = port;
  }

  /** Adds an entry; `name_taken` if there is one of that name. */
  async create(caller: Caller, input: CredentialSpecInput): Promise<Credential> {
    const spec = parseSpec(credentialSpecSchema, input);
    return this.transactions.run(async (tx) => {
      const created = await insertCredential(tx, spec, actorName(caller.actor), this.clock.now());
      if (created === undefined) throw new BrokerError('name_taken', { field: '/name' });
      await this.audit.append(
        tx,
        'credential.created',
        { caller, credential: created.name },
        {
          kind: created.kind,
          mount: created.mount,
          path: created.path,
          max_ttl_seconds: created.maxTtlSeconds,
          revocable: created.revocable,
        },
      );
      return created;
    });
  }

  /**
   * Replaces what an entry says; for new leases and renewals only. `precondition_failed` if it is not at `ifVersion`.
   * Name and kind are fixed: another kind is another credential.
   */
  async change(
    caller: Caller,
    name: string,
    input: CredentialSpecInput,
    ifVersion: number,
  ): Promise<Credential> {
    const spec = parseSpec(credentialSpecSchema, input);
    if (spec.name !== name)
      throw new BrokerError('request_invalid', { field: '/name', detail: 'a credential keeps its name' });
    return this.transactions.run(async (tx) => {
      const before = await this.locked(tx, name);
      if (before.version !== ifVersion)
        throw new BrokerError('precondition_failed', { detail: `it is at version ${before.version}` });
      if (before.kind !== spec.kind)
        throw new BrokerError('request_invalid', { field: '/kind', detail: 'a credential keeps its kind' });
      const after = await updateCredential(tx, spec, this.clock.now());
      await this.audit.append(
        tx,
        'credential.changed',
        { caller, credential: name },
        { version: after.version, changed: changedFields(before, after) },
      );
      return after;
    });
  }

  /** One entry; `not_found` if there is none. */
  async get(name: string): Promise<Credential> {
    const found = await this.find(name);
    if (found === undefined) throw new BrokerError('not_found', { detail: `no credential ${name}` });
    return found;
  }

  /** One entry, if there is one. */
  async find(name: string): Promise<Credential | undefined> {
    const [found] = await selectCredentials(this.transactions.reads, 'WHERE name = $1', [name]);
    return found;
  }

  /** Entries in order of name. */
  async list(filter: CredentialFilter): Promise<Page<Credential>> {
    const limit = checkLimit(filter.limit);
    const after = filter.cursor === undefined ? null : decodeCursor(filter.cursor, 1)[0];
    const rows = await selectCredentials(
      this.transactions.reads,
      `WHERE ($1::text IS NULL OR kind = $1) AND ($2::boolean IS NULL OR enabled = $2)
         AND ($3::text IS NULL OR name > $3) ORDER BY name LIMIT $4`,
      [filter.kind ?? null, filter.enabled ?? null, after, limit + 1],
    );
    return pageOf(rows, limit, (row) => [row.name]);
  }

  /** Stops new leases of it and has the live ones revoked. Disabling what is disabled is refused. */
  async disable(caller: Caller, name: string, reason?: string): Promise<DisabledEntry> {
    const port = this.#disabled;
    if (port === undefined) throw new Error('nothing is registered that would revoke the leases');
    const result = await this.transactions.run(async (tx) => {
      const disabled = await this.switched(tx, name, false);
      await this.audit.append(
        tx,
        'credential.disabled',
        { caller, credential: name },
        reason === undefined ? {} : { reason },
      );
      return { ...disabled, ...(await port.during(tx, { credential: name, caller, reason })) };
    });
    await port
      .after({ ...result, credential: name })
      .catch((error: unknown) =>
        this.log.warn(
          { credential: name, ...safeErrorFields(error) },
          'revocations are left to the scheduler',
        ),
      );
    return result;
  }

  /** Allows leases of it again. Enabling what is enabled is refused. */
  enable(caller: Caller, name: string, reason?: string): Promise<Credential> {
    return this.transactions.run(async (tx) => {
      const enabled = await this.switched(tx, name, true);
      await this.audit.append(
        tx,
        'credential.enabled',
        { caller, credential: name },
        reason === undefined ? {} : { reason },
      );
      return enabled;
    });
  }

  /**
   * Disables every enabled credential of a mount, inside the transaction that blocks the mount; the leases are the
   * caller's to end. Answers the names.
   */
  async disableAt(tx: Tx, mount: string, caller: Caller, reason: string): Promise<readonly string[]> {
    const enabled = await selectCredentials(tx, 'WHERE mount = $1 AND enabled ORDER BY name FOR UPDATE', [
      mount,
    ]);
    for (const { name } of enabled) {
      await this.switched(tx, name, false);
      await this.audit.append(tx, 'credential.disabled', { caller, credential: name }, { reason });
    }
    return enabled.map(({ name }) => name);
  }

  /** Enables those of these credentials that are disabled, inside the transaction that lifts their block. */
  async enableAll(tx: Tx, names: readonly string[], caller: Caller, reason?: string): Promise<void> {
    const disabled = await selectCredentials(
      tx,
      'WHERE name = ANY($1) AND NOT enabled ORDER BY name FOR UPDATE',
      [names],
    );
    for (const { name } of disabled) {
      await this.switched(tx, name, true);
      await this.audit.append(
        tx,
        'credential.enabled',
        { caller, credential: name },
        reason === undefined ? {} : { reason },
      );
    }
  }

  private async switched(tx: Tx, name: string, enabled: boolean): Promise<Credential> {
    const before = await this.locked(tx, name);
    if (before.enabled === enabled)
      throw new BrokerError('state_transition_refused', {
        detail: `the credential is ${enabled ? 'enabled' : 'disabled'} already`,
      });
    await tx.query(
      'UPDATE credentials SET enabled = $2, version = version + 1, updated_at = $3 WHERE name = $1',
      [name, enabled, this.clock.now()],
    );
    return this.locked(tx, name);
  }

  /** The row under a lock, so that two changes of it are one after the other and each sees the version before. */
  private async locked(tx: Tx, name: string): Promise<Credential> {
    const [row] = await selectCredentials(tx, 'WHERE name = $1 FOR UPDATE', [name]);
    if (row === undefined) throw new BrokerError('not_found', { detail: `no credential ${name}` });
    return row;
  }
}
