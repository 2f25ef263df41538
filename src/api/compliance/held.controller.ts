import { Controller, Get, Query } from '@nestjs/common';
import { z } from 'zod';
import type { Caller } from '../../kernel/caller.js';
import { AuditReads } from '../../audit/audit-reads.js';
import { WhoHeld } from '../../audit/held/who-held.js';
import { Roles } from '../access/access.js';
import { AdminParam, CallerParam } from '../access/principal.js';
import type { AdminIdentity } from '../http/request.js';
import { Documented } from '../openapi/operation.js';
import { pageOfViews } from '../schema/fields.js';
import { heldView, heldViewOf } from '../view/held-view.js';
import { pageView } from '../view/page-view.js';
import { heldQuery, holdFiltersOf, type HeldQuery } from './held-requests.js';

const heldPage = pageOfViews(heldView)
  .extend({ complete_to: z.int().describe('every entry of the log below this index was looked at') })
  .meta({ id: 'HeldPage' });
type HeldPage = z.output<typeof heldPage>;

/** The question that an auditor has: who held this, when, and by whose decision. */
@Controller('v1/audit/held')
export class HeldController {
  constructor(
    private readonly whoHeld: WhoHeld,
    private readonly reads: AuditReads,
  ) {}

  @Get()
  @Roles('admin', 'auditor')
  @Documented({
    id: 'whoHeld',
    tag: 'Audit',
    summary: 'Find who held a credential, database user, token or certificate',
    description:
      'Name at least one of `credential`, `account`, `accessor`, `serial`, `lease` and `run_ref`, and a moment (`at`) or a ' +
      'span (`from`, `to`) unless you want all of them. The latest comes first. It is told from the log alone: what the ' +
      'log does not say is null. That you asked is itself recorded, with accounts, accessors and serials as HMACs.',
    answer: heldPage,
  })
  async list(
    @Query({ schema: heldQuery }) query: HeldQuery,
    @CallerParam() caller: Caller,
    @AdminParam() { auditReach }: AdminIdentity,
  ): Promise<HeldPage> {
    const { limit, cursor } = query;
    await this.reads.record(caller, 'held', query);
    const page = await this.whoHeld.list(holdFiltersOf(query), auditReach, { limit, cursor });
    return { ...pageView(page, heldViewOf), complete_to: page.completeTo };
  }
}
