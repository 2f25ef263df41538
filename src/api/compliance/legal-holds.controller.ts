import { Body, Controller, Delete, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { LegalHolds } from '../../audit/retention/legal-holds.js';
import { LogParts } from '../../audit/retention/parts.js';
import type { Caller } from '../../kernel/caller.js';
import { Roles } from '../access/access.js';
import { CallerParam } from '../access/principal.js';
import { Documented } from '../openapi/operation.js';
import { flag, pageOfViews, pageQuery } from '../schema/fields.js';
import { pageView, type PageView } from '../view/page-view.js';
import {
  legalHoldBody,
  legalHoldView,
  legalHoldViewOf,
  logPartView,
  logPartViewOf,
  selectorOf,
  type LegalHoldBody,
  type LegalHoldView,
  type LogPartView,
} from './legal-hold-view.js';

const holdsQuery = z.strictObject({
  standing: flag.optional().describe('only those that stand, or only those that were lifted'),
  ...pageQuery,
});
type HoldsQuery = z.output<typeof holdsQuery>;
const liftQuery = z.strictObject({ reason: z.string().min(1).max(500).describe('why; kept in the event') });
type LiftQuery = z.output<typeof liftQuery>;

/** What of the log must stay, and what of it is where. */
@Controller('v1')
export class LegalHoldsController {
  constructor(
    private readonly holds: LegalHolds,
    private readonly parts: LogParts,
  ) {}

  @Get('legal-holds')
  @Roles('admin', 'auditor')
  @Documented({
    id: 'listLegalHolds',
    tag: 'Audit',
    summary: 'List legal holds, newest first',
    answer: pageOfViews(legalHoldView),
  })
  async list(@Query({ schema: holdsQuery }) query: HoldsQuery): Promise<PageView<LegalHoldView>> {
    return pageView(await this.holds.list(query), legalHoldViewOf);
  }

  @Post('legal-holds')
  @Roles('admin', 'auditor')
  @Documented({
    id: 'placeLegalHold',
    tag: 'Audit',
    summary: 'Place a legal hold: no entry that it selects leaves the database or is destroyed',
    description:
      'It beats every maximum age. Archives are not looked into: none that it may be about is destroyed while it stands.',
    status: 201,
    answer: legalHoldView,
    idempotency: 'replays',
  })
  async place(
    @Body({ schema: legalHoldBody }) body: LegalHoldBody,
    @CallerParam() caller: Caller,
  ): Promise<LegalHoldView> {
    return legalHoldViewOf(await this.holds.place(caller, selectorOf(body), body.reason));
  }

  @Delete('legal-holds/:id')
  @Roles('admin')
  @Documented({
    id: 'liftLegalHold',
    tag: 'Audit',
    summary: 'Lift a legal hold',
    answer: legalHoldView,
    errors: ['not_found', 'state_transition_refused'],
  })
  async lift(
    @Param('id') id: string,
    @Query({ schema: liftQuery }) { reason }: LiftQuery,
    @CallerParam() caller: Caller,
  ): Promise<LegalHoldView> {
    return legalHoldViewOf(await this.holds.lift(caller, id, reason));
  }

  @Get('audit/parts')
  @Roles('admin', 'auditor')
  @Documented({
    id: 'listLogParts',
    tag: 'Audit',
    summary: 'List the parts of the log, oldest first, and what of each was archived, removed or destroyed',
    answer: z.object({ items: z.array(logPartView) }).meta({ id: 'LogPartsView' }),
  })
  async listParts(): Promise<{ items: LogPartView[] }> {
    return { items: (await this.parts.list()).map(logPartViewOf) };
  }
}
