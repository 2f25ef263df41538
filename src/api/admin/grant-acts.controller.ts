import { Body, Controller, Get, Headers, Param, Post, Res } from '@nestjs/common';
import type { Caller } from '../../kernel/caller.js';
import type { OpenedRevocation } from '../../kernel/opened-revocation.js';
import type { Grant } from '../../grant/grant.js';
import { Grants } from '../../grant/grants.js';
import { Roles } from '../access/access.js';
import { CallerParam } from '../access/principal.js';
import type { ApiReply } from '../http/request.js';
import { tag, versionOf } from '../http/versions.js';
import { Documented } from '../openapi/operation.js';
import { pageOfViews, reasonBody, type ReasonBody } from '../schema/fields.js';
import { grantVersionView, grantVersionViewOf, type GrantVersionView } from '../view/grant-version-view.js';
import { grantView, grantViewOf, type GrantView } from '../view/grant-view.js';
import type { PageView } from '../view/page-view.js';
import { revocationPath } from './revocations.controller.js';

const REFUSED = ['not_found', 'state_transition_refused'] as const;

/** What happens to the state of a grant, and its versions. Each act is an event, with the reason that was given. */
@Controller('v1/grants/:id')
export class GrantActsController {
  constructor(private readonly grants: Grants) {}

  @Get('versions')
  @Roles('admin', 'approver', 'auditor', 'operator')
  @Documented({
    id: 'listGrantVersions',
    tag: 'Grants',
    summary: 'List all versions of a grant, oldest first',
    answer: pageOfViews(grantVersionView),
    errors: ['not_found'],
  })
  async versions(@Param('id') id: string): Promise<PageView<GrantVersionView>> {
    const versions = await this.grants.versions(id);
    return { items: versions.map(grantVersionViewOf), next_cursor: null };
  }

  @Post('approve')
  @Roles('approver')
  @Documented({
    id: 'approveGrant',
    tag: 'Grants',
    summary: 'Approve the newest version; nobody approves their own',
    description: 'With If-Match, only the version that you read.',
    answer: grantView,
    errors: [...REFUSED, 'approval_by_author', 'precondition_failed'],
    idempotency: 'replays',
  })
  approve(
    @Param('id') id: string,
    @Body({ schema: reasonBody }) _body: ReasonBody,
    @Headers('if-match') ifMatch: string | undefined,
    @CallerParam() caller: Caller,
    @Res({ passthrough: true }) reply: ApiReply,
  ): Promise<GrantView> {
    const version = ifMatch === undefined ? undefined : versionOf(ifMatch);
    return answer(reply, this.grants.approve(caller, id, version));
  }

  @Post('activate')
  @Roles('admin')
  @Documented({
    id: 'activateGrant',
    tag: 'Grants',
    summary: 'Activate a draft',
    answer: grantView,
    errors: REFUSED,
    idempotency: 'replays',
  })
  activate(
    @Param('id') id: string,
    @Body({ schema: reasonBody }) _body: ReasonBody,
    @CallerParam() caller: Caller,
    @Res({ passthrough: true }) reply: ApiReply,
  ): Promise<GrantView> {
    return answer(reply, this.grants.activate(caller, id));
  }

  @Post('suspend')
  @Roles('admin', 'operator')
  @Documented({
    id: 'suspendGrant',
    tag: 'Grants',
    summary: 'Suspend a grant, and end every lease under it',
    description: '`Location` says where the end of the leases can be watched.',
    answer: grantView,
    errors: REFUSED,
    idempotency: 'replays',
  })
  suspend(
    @Param('id') id: string,
    @Body({ schema: reasonBody }) { reason }: ReasonBody,
    @CallerParam() caller: Caller,
    @Res({ passthrough: true }) reply: ApiReply,
  ): Promise<GrantView> {
    return stopped(reply, this.grants.suspend(caller, id, reason));
  }

  @Post('resume')
  @Roles('admin')
  @Documented({
    id: 'resumeGrant',
    tag: 'Grants',
    summary: 'Resume a suspended grant; leases that ended stay dead',
    answer: grantView,
    errors: REFUSED,
    idempotency: 'replays',
  })
  resume(
    @Param('id') id: string,
    @Body({ schema: reasonBody }) { reason }: ReasonBody,
    @CallerParam() caller: Caller,
    @Res({ passthrough: true }) reply: ApiReply,
  ): Promise<GrantView> {
    return answer(reply, this.grants.resume(caller, id, reason));
  }

  @Post('revoke')
  @Roles('admin')
  @Documented({
    id: 'revokeGrant',
    tag: 'Grants',
    summary: 'Revoke a grant for good, and end every run and lease under it',
    description: '`Location` says where the end of the leases can be watched.',
    answer: grantView,
    errors: REFUSED,
    idempotency: 'replays',
  })
  revoke(
    @Param('id') id: string,
    @Body({ schema: reasonBody }) { reason }: ReasonBody,
    @CallerParam() caller: Caller,
    @Res({ passthrough: true }) reply: ApiReply,
  ): Promise<GrantView> {
    return stopped(reply, this.grants.revoke(caller, id, reason));
  }
}

/** With where the end of its leases can be watched. */
async function stopped(reply: ApiReply, grant: Promise<Grant & OpenedRevocation>): Promise<GrantView> {
  void reply.header('location', revocationPath((await grant).revocationId));
  return answer(reply, grant);
}

async function answer(reply: ApiReply, grant: Promise<Grant>): Promise<GrantView> {
  return tag(reply, grantViewOf(await grant));
}
