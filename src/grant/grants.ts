import { Injectable } from '@nestjs/common';
import { BrokerError } from '../kernel/broker-error.js';
import { actorName, type Caller } from '../kernel/caller.js';
import { Clock } from '../kernel/clock.js';
import { Ids } from '../kernel/ids.js';
import { Settings } from '../settings/schema.js';
import { Transactions, type Tx } from '../database/transaction.js';
import type { Page } from '../database/page.js';
import { AuditInbox } from '../audit/audit-inbox.js';
import { ActiveGrants } from './active-grants.js';
import { checkAct, type Grant, type GrantVersion } from './grant.js';
import { GrantEnded } from './grant-ended.js';
import { GrantEndings, type StoppedGrant } from './grant-endings.js';
import { about, because } from './grant-event.js';
import { isPast } from './grant-live.js';
import { listGrants, lockGrant, readGrant, type GrantFilter } from './grant-reads.js';
import { GrantReview } from './grant-review.js';
import type { GrantedTools } from './granted-tools.js';
import {
  addVersion,
  insertGrant,
  moveGrant,
  recordApproval,
  selectGrantVersion,
  selectVersions,
  type StoredGrant,
} from './grant-rows.js';
import type { GrantSpecInput } from './grant-spec.js';

/**
 * The grants. A change and its event are one transaction; every act locks the grant's row first, so that acts on one
 * grant are one after the other and each sees what the one before did. Grants are named by id or by name.
 */
@Injectable()
export class Grants {
  constructor(
    private readonly settings: Settings,
    private readonly clock: Clock,
    private readonly ids: Ids,
    private readonly transactions: Transactions,
    private readonly audit: AuditInbox,
    private readonly review: GrantReview,
    private readonly active: ActiveGrants,
    private readonly endings: GrantEndings,
  ) {}

  /** Registers what happens to runs and leases when a grant ends; the lease module does so when it starts. */
  whenEnded(port: GrantEnded): void {
    this.endings.whenEnded(port);
  }

  /** Registers what knows the tools that grants name; the gateway does so when it starts. */
  whenToolsNamed(port: GrantedTools): void {
    this.review.whenToolsNamed(port);
  }

  /**
   * Saves a new grant: active at once, or waiting for an approver where the settings ask for one, or a draft. Refuses
   * with `request_invalid`, `grant_conditions_invalid`, `credential_unknown`, `tool_unknown` or `name_taken`, and the field.
   */
  async create(
    caller: Caller,
    input: GrantSpecInput,
    options: { readonly state?: 'draft' | 'active' } = {},
  ): Promise<Grant> {
    const spec = this.review.check(input);
    const id = this.ids.uuid();
    const state = options.state === 'draft' ? 'draft' : this.approvable();
    return this.changing(async (tx) => {
      await this.review.checkNamed(tx, spec);
      if (!(await insertGrant(tx, { id, state, spec }, actorName(caller.actor), this.clock.now())))
        throw new BrokerError('name_taken', { field: '/name' });
      const grant = await this.current(tx, id);
      const { version, warnings } = grant;
      await this.audit.append(tx, 'grant.created', about(grant, caller), { state, version, warnings });
      return grant;
    });
  }

  /**
   * Saves a new version. `precondition_failed` if the grant is not at `ifVersion`. It applies to new leases and to
   * renewals; an active grant that needs approval allows nothing until it has it.
   */
  async change(caller: Caller, idOrName: string, input: GrantSpecInput, ifVersion: number): Promise<Grant> {
    const spec = this.review.check(input);
    return this.changing(async (tx) => {
      const before = await lockGrant(tx, idOrName);
      checkVersion(before, ifVersion);
      checkAct('change', before.state);
      if (spec.name !== before.name)
        throw new BrokerError('request_invalid', { field: '/name', detail: 'a grant keeps its name' });
      await this.review.checkNamed(tx, spec);
      const state = before.state === 'active' ? this.approvable() : before.state;
      const version = before.version + 1;
      await addVersion(
        tx,
        { id: before.id, state, version, spec },
        actorName(caller.actor),
        this.clock.now(),
      );
      const grant = await this.current(tx, before.id);
      const { warnings } = grant;
      await this.audit.append(tx, 'grant.changed', about(grant, caller), { state, version, warnings });
      return grant;
    });
  }

  /**
   * Approves the current version, which somebody else must have saved (`approval_by_author`), and activates the
   * grant unless it is suspended. With `ifVersion`, only the version that the approver read.
   */
  approve(caller: Caller, idOrName: string, ifVersion?: number): Promise<Grant> {
    const approver = actorName(caller.actor);
    return this.changing(async (tx) => {
      const before = await this.startable(tx, 'approve', idOrName);
      if (ifVersion !== undefined) checkVersion(before, ifVersion);
      if (before.approvedBy !== null)
        throw new BrokerError('state_transition_refused', { detail: 'the version is approved already' });
      if (before.author === approver) throw new BrokerError('approval_by_author');
      await recordApproval(tx, before.id, before.version, approver);
      if (before.state === 'pending_approval') await moveGrant(tx, before.id, 'active', this.clock.now());
      await this.audit.append(tx, 'grant.approved', about(before, caller), { version: before.version });
      return this.current(tx, before.id);
    });
  }

  /** Activates a draft, or hands it to an approver where the settings ask for one. */
  activate(caller: Caller, idOrName: string): Promise<Grant> {
    return this.changing(async (tx) => {
      const { id, version } = await this.startable(tx, 'activate', idOrName);
      const state = this.approvable();
      await moveGrant(tx, id, state, this.clock.now());
      const grant = await this.current(tx, id);
      const kind = state === 'active' ? 'grant.activated' : 'grant.submitted';
      await this.audit.append(tx, kind, about(grant, caller), { version });
      return grant;
    });
  }

  /** Stops a grant for now: its leases are revoked, its runs stay open. */
  suspend(caller: Caller, idOrName: string, reason?: string): Promise<StoppedGrant> {
    return this.endings.suspend(caller, idOrName, reason);
  }

  /** Lets a suspended grant allow things again; refused for a version that still needs approval. */
  resume(caller: Caller, idOrName: string, reason?: string): Promise<Grant> {
    return this.changing(async (tx) => {
      const before = await this.startable(tx, 'resume', idOrName);
      if (this.settings.values.grants.approvalRequired && before.approvedBy === null)
        throw new BrokerError('state_transition_refused', {
          detail: `resume is refused: version ${before.version} is not approved`,
        });
      await moveGrant(tx, before.id, 'active', this.clock.now());
      const grant = await this.current(tx, before.id);
      await this.audit.append(tx, 'grant.resumed', about(grant, caller), because(reason));
      return grant;
    });
  }

  /** Ends a grant for good, with its runs and leases. */
  revoke(caller: Caller, idOrName: string, reason?: string): Promise<StoppedGrant> {
    return this.endings.revoke(caller, idOrName, reason);
  }

  /** Expires up to `limit` grants whose time is over; answers how many. */
  expireDue(limit: number): Promise<number> {
    return this.endings.expireDue(limit);
  }

  /** The current version of a grant; `not_found` if there is none of this id or name. */
  async get(idOrName: string): Promise<Grant> {
    const { reads } = this.transactions;
    return this.warned(reads, await readGrant(reads, idOrName));
  }

  /** A grant as one of its versions has it, with the grant's present state. */
  async version(id: string, version: number): Promise<Grant> {
    const { reads } = this.transactions;
    const found = await selectGrantVersion(reads, (await readGrant(reads, id)).id, version);
    if (found === undefined) throw new BrokerError('not_found', { detail: `no version ${version}` });
    return this.warned(reads, found);
  }

  /** Every version, oldest first, with who saved and who approved it. */
  async versions(idOrName: string): Promise<GrantVersion[]> {
    const { reads } = this.transactions;
    return selectVersions(reads, (await readGrant(reads, idOrName)).id);
  }

  /** Grants, newest first. */
  async list(filter: GrantFilter): Promise<Page<Grant>> {
    const { reads } = this.transactions;
    const page = await listGrants(reads, filter);
    return { items: await this.review.warned(reads, page.items), nextCursor: page.nextCursor };
  }

  /** A locked grant that the act may start; one whose time is over starts no more. */
  private async startable(
    tx: Tx,
    act: 'approve' | 'activate' | 'resume',
    idOrName: string,
  ): Promise<StoredGrant> {
    const grant = await lockGrant(tx, idOrName);
    checkAct(act, grant.state);
    if (isPast(grant, this.clock.now()))
      throw new BrokerError('state_transition_refused', { detail: `${act} is refused: its time is over` });
    return grant;
  }

  private approvable(): 'active' | 'pending_approval' {
    return this.settings.values.grants.approvalRequired ? 'pending_approval' : 'active';
  }

  private async changing<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const result = await this.transactions.run(work);
    this.active.forget();
    return result;
  }

  private async current(tx: Tx, id: string): Promise<Grant> {
    return this.warned(tx, await readGrant(tx, id));
  }

  private async warned(tx: Tx, stored: StoredGrant): Promise<Grant> {
    const [grant] = await this.review.warned(tx, [stored]);
    if (grant === undefined) throw new Error('a grant got lost');
    return grant;
  }
}

function checkVersion(grant: StoredGrant, ifVersion: number): void {
  if (grant.version !== ifVersion)
    throw new BrokerError('precondition_failed', { detail: `it is at version ${grant.version}` });
}
