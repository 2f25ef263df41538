import { Body, Controller, Get, Post } from '@nestjs/common';
import { z } from 'zod';
import type { Caller } from '../../kernel/caller.js';
import { RevocationHold } from '../../lease/hold.js';
import { Roles } from '../access/access.js';
import { CallerParam } from '../access/principal.js';
import { Documented } from '../openapi/operation.js';
import { reasonBody, type ReasonBody } from '../schema/fields.js';
import { holdView, holdViewOf, type HoldView } from './reconciliation-view.js';

const releaseBody = z
  .strictObject({ reason: z.string().min(1).max(500).describe('what was looked at; kept in the event') })
  .meta({ id: 'HoldReleaseBody' });
type ReleaseBody = z.output<typeof releaseBody>;

/** The hold on revocations, for a database or a Vault that was restored. */
@Controller('v1/hold')
export class HoldController {
  constructor(private readonly revocation: RevocationHold) {}

  @Get()
  @Roles('admin', 'approver', 'auditor', 'operator')
  @Documented({
    id: 'readHold',
    tag: 'Operation',
    summary: 'Read whether revocation is held, why, and what is unknown',
    answer: holdView,
  })
  async read(): Promise<HoldView> {
    return holdViewOf(await this.revocation.status());
  }

  @Post()
  @Roles('admin', 'operator')
  @Documented({
    id: 'hold',
    tag: 'Operation',
    summary: 'Hold revocation on every replica',
    description:
      'Nothing is expired, reconciled or revoked by itself. The books are compared, so that `look` can say what is unknown.',
    answer: holdView,
    idempotency: 'replays',
  })
  async hold(
    @Body({ schema: reasonBody }) { reason }: ReasonBody,
    @CallerParam() caller: Caller,
  ): Promise<HoldView> {
    await this.revocation.hold(caller, reason);
    return this.read();
  }

  @Post('release')
  @Roles('admin', 'operator')
  @Documented({
    id: 'releaseHold',
    tag: 'Operation',
    summary: 'Let revocation go on; what waited is due at once',
    description:
      'Settles nothing by itself: when the books still differ by more than `reconciliation.holdAbove`, the next comparison holds again.',
    answer: holdView,
    idempotency: 'replays',
  })
  async release(
    @Body({ schema: releaseBody }) { reason }: ReleaseBody,
    @CallerParam() caller: Caller,
  ): Promise<HoldView> {
    await this.revocation.resume(caller, reason);
    return this.read();
  }
}
