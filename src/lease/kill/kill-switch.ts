import { Injectable } from '@nestjs/common';
import { CredentialCatalogue } from '../../credential/credential-catalogue.js';
import { Transactions } from '../../database/transaction.js';
import { Grants } from '../../grant/grants.js';
import { BrokerError, hasCode } from '../../kernel/broker-error.js';
import type { Caller } from '../../kernel/caller.js';
import type { OpenedRevocation } from '../../kernel/opened-revocation.js';
import { Runs } from '../../run/runs.js';
import { Blocks } from './blocks.js';
import { Confirmations } from './confirmation.js';
import { KillPreviews, type KillPreview } from './preview.js';
import type { KillSelector, RevocationProgress } from './revocation.js';
import { Revocations } from './revocations.js';

/** What an admin wants dead. */
export interface WantedKill {
  readonly selector: KillSelector;
  readonly reason?: string | undefined;
  /** What happens to grants: suspended unless told. */
  readonly grants?: 'suspend' | 'revoke' | undefined;
  /** When the block of a workload, an issuer or a target ends by itself. */
  readonly until?: Date | undefined;
  readonly confirmation?: string | undefined;
}

/** Grants of one label that are read at once. */
const GRANTS_AT_ONCE = 200;

/**
 * Ends everything that a selector names: first the door, so that nothing new is leased or called on any replica once
 * this has returned; then the leases, in parallel within the limits of each target.
 */
@Injectable()
export class KillSwitch {
  constructor(
    private readonly transactions: Transactions,
    private readonly runs: Runs,
    private readonly grants: Grants,
    private readonly catalogue: CredentialCatalogue,
    private readonly blocks: Blocks,
    private readonly revocations: Revocations,
    private readonly previews: KillPreviews,
    private readonly confirmations: Confirmations,
  ) {}

  /** What {@link kill} would end; `not_found` for a run, grant or credential that there is not. */
  async preview(wanted: KillSelector): Promise<KillPreview> {
    return this.previews.of(await this.resolved(wanted));
  }

  /**
   * Kills. Waits at most `waitMs` for the proofs; what is outstanding goes on behind it. What has ended before is no
   * error: what is left of it is revoked now. Refuses with `not_found`, `confirmation_required`, and
   * `request_invalid` where a block is given no reason.
   */
  async kill(caller: Caller, wanted: WantedKill, waitMs: number): Promise<RevocationProgress> {
    const selector = await this.resolved(wanted.selector);
    const { leases } = await this.previews.of(selector);
    const { reason, confirmation } = wanted;
    this.confirmations.check(caller, {
      selector,
      act: wanted.grants ?? 'suspend',
      leases,
      reason,
      confirmation,
    });
    const { revocationId } = await this.shut(caller, selector, wanted);
    return this.revocations.watch(revocationId, waitMs);
  }

  private shut(caller: Caller, selector: KillSelector, wanted: WantedKill): Promise<OpenedRevocation> {
    const { reason, until } = wanted;
    if ('runRef' in selector)
      return this.orLeftovers(caller, selector, reason, () =>
        this.runs.revoke(caller, selector.runRef, reason),
      );
    if ('grantId' in selector)
      return this.orLeftovers(caller, selector, reason, () =>
        this.grants[wanted.grants ?? 'suspend'](caller, selector.grantId, reason),
      );
    if ('credential' in selector)
      return this.orLeftovers(caller, selector, reason, () =>
        this.catalogue.disable(caller, selector.credential, reason),
      );
    if ('label' in selector) return this.ofLabel(caller, selector, wanted);
    if ('mount' in selector)
      return this.blocks.block(caller, {
        target: { kind: 'target', ...selector },
        reason: given(reason),
        until,
      });
    if ('subject' in selector)
      return this.blocks.block(caller, {
        target: { kind: 'workload', ...selector },
        reason: given(reason),
        until,
      });
    if ('issuer' in selector)
      return this.blocks.block(caller, {
        target: { kind: 'issuer', ...selector },
        reason: given(reason),
        until,
      });
    return this.leftovers(caller, selector, reason);
  }

  private async ofLabel(
    caller: Caller,
    selector: Extract<KillSelector, { readonly label: string }>,
    { grants: act = 'suspend', reason }: WantedKill,
  ): Promise<OpenedRevocation> {
    const label = `${selector.label}=${selector.value}`;
    let cursor: string | undefined;
    do {
      const page = await this.grants.list({
        label,
        limit: GRANTS_AT_ONCE,
        ...(cursor !== undefined && { cursor }),
      });
      for (const { id } of page.items)
        await this.grants[act](caller, id, reason).catch((error: unknown) => {
          if (!hasCode(error, 'state_transition_refused')) throw error;
        });
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    return this.leftovers(caller, selector, reason);
  }

  /** Shuts the door; where it was shut before, revokes what is left behind it. */
  private async orLeftovers(
    caller: Caller,
    selector: KillSelector,
    reason: string | undefined,
    shut: () => Promise<OpenedRevocation>,
  ): Promise<OpenedRevocation> {
    try {
      return await shut();
    } catch (error) {
      if (!hasCode(error, 'state_transition_refused')) throw error;
      return this.leftovers(caller, selector, reason);
    }
  }

  private async leftovers(
    caller: Caller,
    selector: KillSelector,
    reason: string | undefined,
  ): Promise<OpenedRevocation> {
    const wish = { selector, cause: 'admin', caller, reason, announced: true } as const;
    const opened = await this.transactions.run((tx) => this.revocations.open(tx, wish));
    await this.revocations.shut(opened.revocationId);
    this.revocations.start(opened);
    return opened;
  }

  /** The selector with ids for names; refuses what there is not. */
  private async resolved(selector: KillSelector): Promise<KillSelector> {
    if ('runRef' in selector) return { runRef: (await this.runs.get(selector.runRef)).id };
    if ('grantId' in selector) return { grantId: (await this.grants.get(selector.grantId)).id };
    if ('credential' in selector) return { credential: (await this.catalogue.get(selector.credential)).name };
    return selector;
  }
}

function given(reason: string | undefined): string {
  if (reason === undefined)
    throw new BrokerError('request_invalid', { field: 'reason', detail: 'a block needs a reason' });
  return reason;
}
