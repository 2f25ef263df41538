import { Body, Controller, Get, Param, Post, Query, Req } from '@nestjs/common';
import { z } from 'zod';
import type { Caller } from '../../kernel/caller.js';
import { CREDENTIAL_KINDS } from '../../credential/credential.js';
import { LeaseEnd } from '../../lease/end.js';
import { LeaseForget } from '../../lease/forget.js';
import { LEASE_STATES } from '../../lease/lease.js';
import { Leases } from '../../lease/leases.js';
import { LeaseRetry } from '../../lease/retry.js';
import { Roles } from '../access/access.js';
import { CallerParam } from '../access/principal.js';
import type { ApiRequest } from '../http/request.js';
import { Documented } from '../openapi/operation.js';
import { filterText, flag, pageOfViews, pageQuery, reasonBody, type ReasonBody } from '../schema/fields.js';
import {
  forgottenLeaseView,
  forgottenLeaseViewOf,
  type ForgottenLeaseView,
} from '../view/forgotten-lease-view.js';
import { leaseView, leaseViewOf, type LeaseView } from '../view/lease-view.js';
import { pageView, type PageView } from '../view/page-view.js';

const leasesQuery = z.strictObject({
  state: z.enum(LEASE_STATES).optional(),
  run: filterText.optional().describe("our id of a run, or the platform's"),
  grant: filterText.optional().describe('id or name'),
  credential: filterText.optional(),
  kind: z.enum(CREDENTIAL_KINDS).optional(),
  stuck: flag.optional().describe('only those whose revocation fails again and again, or none of them'),
  ...pageQuery,
});
type LeasesQuery = z.output<typeof leasesQuery>;

const forgetBody = z.strictObject({
  reason: z
    .string()
    .min(1)
    .max(500)
    .describe('why, and who looks after what may be alive; kept in the event'),
});
type ForgetBody = z.output<typeof forgetBody>;

/** Leases of everybody; never what was leased. */
@Controller('v1/leases')
export class AdminLeasesController {
  constructor(
    private readonly leases: Leases,
    private readonly leaseEnd: LeaseEnd,
    private readonly leaseRetry: LeaseRetry,
    private readonly leaseForget: LeaseForget,
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

  @Post(':id/retry')
  @Roles('admin', 'operator')
  @Documented({
    id: 'retryLease',
    tag: 'Leases',
    summary: 'Try the revocation of a lease again, now',
    description:
      'For a lease whose revocation waits for its next attempt, stuck or not. Waits a while; `state`, `attempts` and `last_error` say how it went.',
    answer: leaseView,
    errors: ['not_found', 'state_transition_refused'],
    idempotency: 'replays',
  })
  async retry(
    @Param('id') id: string,
    @Body({ schema: reasonBody }) { reason }: ReasonBody,
    @CallerParam() caller: Caller,
    @Req() request: ApiRequest,
  ): Promise<LeaseView> {
    request.circumstances.leaseId = id;
    return leaseViewOf(await this.leaseRetry.retry(caller, id, reason));
  }

  @Post(':id/forget')
  @Roles('admin')
  @Documented({
    id: 'forgetLease',
    tag: 'Leases',
    summary: 'Give up on a lease whose revocation is stuck',
    description:
      'The broker tries no longer, and nothing proves that the credential is dead: `may_be_alive` says what to look after by hand.',
    answer: forgottenLeaseView,
    errors: ['not_found', 'state_transition_refused'],
    idempotency: 'replays',
  })
  async forget(
    @Param('id') id: string,
    @Body({ schema: forgetBody }) { reason }: ForgetBody,
    @CallerParam() caller: Caller,
    @Req() request: ApiRequest,
  ): Promise<ForgottenLeaseView> {
    request.circumstances.leaseId = id;
    return forgottenLeaseViewOf(await this.leaseForget.forget(caller, id, reason));
  }
}
