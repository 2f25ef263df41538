import { Body, Controller, Get, Param, Post, Query, Req } from '@nestjs/common';
import { z } from 'zod';
import type { Caller } from '../../kernel/caller.js';
import { CREDENTIAL_KINDS } from '../../credential/credential.js';
import { LeaseEnd } from '../../lease/end.js';
import { LEASE_STATES } from '../../lease/lease.js';
import { Leases } from '../../lease/leases.js';
import { Roles } from '../access/access.js';
import { CallerParam } from '../access/principal.js';
import type { ApiRequest } from '../http/request.js';
import { Documented } from '../openapi/operation.js';
import { filterText, pageOfViews, pageQuery, reasonBody, type ReasonBody } from '../schema/fields.js';
import { leaseView, leaseViewOf, type LeaseView } from '../view/lease-view.js';
import { pageView, type PageView } from '../view/page-view.js';

const leasesQuery = z.strictObject({
  state: z.enum(LEASE_STATES).optional(),
  run: filterText.optional().describe("our id of a run, or the platform's"),
  grant: filterText.optional().describe('id or name'),
  credential: filterText.optional(),
  kind: z.enum(CREDENTIAL_KINDS).optional(),
  ...pageQuery,
});
type LeasesQuery = z.output<typeof leasesQuery>;

/** Leases of everybody; never what was leased. */
@Controller('v1/leases')
export class AdminLeasesController {
  constructor(
    private readonly leases: Leases,
    private readonly leaseEnd: LeaseEnd,
  ) {}

  @Get()
  @Roles('admin', 'approver', 'auditor', 'operator')
  @Documented({
    id: 'listLeases',
    tag: 'Leases',
    summary: 'List leases, newest first',
    answer: pageOfViews(leaseView),
  })
  async list(@Query({ schema: leasesQuery }) query: LeasesQuery): Promise<PageView<LeaseView>> {
    return pageView(await this.leases.list(query), leaseViewOf);
  }

  @Get(':id')
  @Roles('admin', 'approver', 'auditor', 'operator')
  @Documented({
    id: 'readLease',
    tag: 'Leases',
    summary: 'Read a lease',
    answer: leaseView,
    errors: ['not_found'],
  })
  async read(@Param('id') id: string): Promise<LeaseView> {
    return leaseViewOf(await this.leases.get(id));
  }

  @Post(':id/revoke')
  @Roles('admin', 'operator')
  @Documented({
    id: 'revokeLease',
    tag: 'Leases',
    summary: 'Revoke a lease',
    description: 'Waits a while for the proof that the credential is dead; `state` says whether it came.',
    answer: leaseView,
    errors: ['not_found', 'lease_not_active'],
    idempotency: 'replays',
  })
  async revoke(
    @Param('id') id: string,
    @Body({ schema: reasonBody }) { reason }: ReasonBody,
    @CallerParam() caller: Caller,
    @Req() request: ApiRequest,
  ): Promise<LeaseView> {
    request.circumstances.leaseId = id;
    return leaseViewOf(await this.leaseEnd.revoke(caller, id, reason));
  }
}
