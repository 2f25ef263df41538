import { Injectable } from '@nestjs/common';
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { canonicalJson } from '../../audit/canonical-json.js';
import { BrokerError } from '../../kernel/broker-error.js';
import { actorName, type Caller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import { Settings } from '../../settings/schema.js';
import type { KillSelector } from './revocation.js';

/** A large revocation that nobody has confirmed yet, with what confirms it. */
export class ConfirmationRequired extends BrokerError {
  constructor(
    /** To be sent back, with a reason, within `revocations.confirmationSeconds`. */
    readonly confirmation: string,
    readonly leases: number,
    detail: string,
  ) {
    super('confirmation_required', { field: 'confirmation', detail });
  }
}

/** What an admin is about to do. */
export interface UnconfirmedKill {
  readonly selector: KillSelector;
  readonly act: string;
  readonly leases: number;
  readonly reason: string | undefined;
  readonly confirmation: string | undefined;
}

/**
 * Asks back before many leases end at once. A confirmation is a keyed hash and stored nowhere: it is good on every
 * replica, for one admin, one selector, one act, up to the next power of two of leases, and a few minutes.
 */
@Injectable()
export class Confirmations {
  constructor(
    private readonly settings: Settings,
    private readonly clock: Clock,
  ) {}

  /**
   * Returns when the kill may go on. Throws {@link ConfirmationRequired} when it was not confirmed or is larger than what
   * was; `request_invalid` when it was confirmed without a reason.
   */
  check(caller: Caller, kill: UnconfirmedKill): void {
    const { confirmAbove } = this.settings.values.revocations;
    if (kill.leases <= confirmAbove) return;
    if (kill.confirmation === undefined || !this.confirms(kill.confirmation, caller, kill))
      throw new ConfirmationRequired(
        this.made(caller, kill),
        kill.leases,
        `${kill.leases} leases would end, more than ${confirmAbove}; send the confirmation and a reason`,
      );
    if (kill.reason === undefined)
      throw new BrokerError('request_invalid', {
        field: 'reason',
        detail: 'a large revocation needs a reason',
      });
  }

  private made(caller: Caller, kill: UnconfirmedKill): string {
    const until = this.clock.now().getTime() + this.settings.values.revocations.confirmationSeconds * 1000;
    const most = 2 ** Math.ceil(Math.log2(kill.leases));
    return `${until.toString(36)}.${most.toString(36)}.${this.hash(caller, kill, until, most)}`;
  }

  private confirms(confirmation: string, caller: Caller, kill: UnconfirmedKill): boolean {
    const [, untilText = '', mostText = '', hash = ''] =
      /^([0-9a-z]{1,12})\.([0-9a-z]{1,8})\.([\w-]{43})$/.exec(confirmation) ?? [];
    const until = Number.parseInt(untilText, 36);
    const most = Number.parseInt(mostText, 36);
    if (!(until >= this.clock.now().getTime()) || !(kill.leases <= most)) return false;
    return timingSafeEqual(Buffer.from(this.hash(caller, kill, until, most)), Buffer.from(hash));
  }

  private hash(caller: Caller, { selector, act }: UnconfirmedKill, until: number, most: number): string {
    const key = this.settings.values.audit.hmacKey.expose();
    const own = Buffer.from(hkdfSync('sha256', key, '', 'leasegate revocation confirmation', 32));
    const text = canonicalJson({
      actor: actorName(caller.actor),
      selector: { ...selector },
      act,
      until,
      most,
    });
    return createHmac('sha256', own).update(text).digest('base64url');
  }
}
