import { Body, Controller, Get, Headers, Param, Post, Put, Query, Res } from '@nestjs/common';
import type { Caller } from '../../kernel/caller.js';
import { Secret } from '../../kernel/secret.js';
import { GrantDecisions } from '../../grant/decide.js';
import { Grants } from '../../grant/grants.js';
import { TokenVerifier } from '../../identity/token-verifier.js';
import { Roles } from '../access/access.js';
import { CallerParam } from '../access/principal.js';
import type { ApiReply } from '../http/request.js';
import { tag, versionOf } from '../http/versions.js';
import { Documented } from '../openapi/operation.js';
import { defined } from '../schema/defined.js';
import { grantSpecOf, grantSpecBody, type GrantSpecBody } from '../schema/grant-body.js';
import { pageOfViews } from '../schema/fields.js';
import { explanationViewOf, explanationView, type ExplanationView } from '../view/explanation-view.js';
import { grantView, grantViewOf, type GrantView } from '../view/grant-view.js';
import { pageView, type PageView } from '../view/page-view.js';
import {
  explainBody,
  grantCreateBody,
  grantsQuery,
  type ExplainBody,
  type GrantCreateBody,
  type GrantsQuery,
} from './grant-requests.js';

/** Grants: what admins create, change and read. What happens to their state is in {@link GrantActsController}. */
@Controller('v1/grants')
export class GrantsController {
  constructor(
    private readonly grants: Grants,
    private readonly decisions: GrantDecisions,
    private readonly verifier: TokenVerifier,
  ) {}

  @Post()
  @Roles('admin')
  @Documented({
    id: 'createGrant',
    tag: 'Grants',
    summary: 'Create a grant',
    description: 'Active at once, unless `state` is `draft` or the broker asks for an approval.',
    status: 201,
    answer: grantView,
    errors: ['name_taken', 'grant_conditions_invalid', 'credential_unknown', 'tool_unknown'],
    versioned: 'answers',
    idempotency: 'replays',
  })
  async create(
    @Body({ schema: grantCreateBody }) { state, ...spec }: GrantCreateBody,
    @CallerParam() caller: Caller,
    @Res({ passthrough: true }) reply: ApiReply,
  ): Promise<GrantView> {
    const options = state === undefined ? {} : { state };
    return tag(reply, grantViewOf(await this.grants.create(caller, grantSpecOf(spec), options)));
  }

  @Get()
  @Roles('admin', 'approver', 'auditor', 'operator')
  @Documented({ id: 'listGrants', tag: 'Grants', summary: 'List grants', answer: pageOfViews(grantView) })
  async list(@Query({ schema: grantsQuery }) query: GrantsQuery): Promise<PageView<GrantView>> {
    return pageView(await this.grants.list(defined(query)), grantViewOf);
  }

  @Post('explain')
  @Roles('admin', 'operator')
  @Documented({
    id: 'explainGrant',
    tag: 'Grants',
    summary: 'Explain clause by clause what a token would be allowed',
    description: 'Issues nothing and opens no run. The token is verified like any other, and not kept.',
    answer: explanationView,
  })
  async explain(@Body({ schema: explainBody }) body: ExplainBody): Promise<ExplanationView> {
    const token = await this.verifier.verify(Secret.of(body.token), 'workload');
    return explanationViewOf(
      await this.decisions.explain(
        token,
        defined({ grant: body.grant, runId: body.run_id, stepId: body.step_id }),
      ),
    );
  }

  @Get(':id')
  @Roles('admin', 'approver', 'auditor', 'operator')
  @Documented({
    id: 'readGrant',
    tag: 'Grants',
    summary: 'Read a grant, by id or name',
    answer: grantView,
    errors: ['not_found'],
    versioned: 'answers',
  })
  async read(@Param('id') id: string, @Res({ passthrough: true }) reply: ApiReply): Promise<GrantView> {
    return tag(reply, grantViewOf(await this.grants.get(id)));
  }

  @Put(':id')
  @Roles('admin')
  @Documented({
    id: 'changeGrant',
    tag: 'Grants',
    summary: 'Change a grant: a new version that never changes',
    answer: grantView,
    errors: [
      'not_found',
      'precondition_failed',
      'grant_conditions_invalid',
      'credential_unknown',
      'tool_unknown',
      'state_transition_refused',
    ],
    versioned: 'requires',
  })
  async change(
    @Param('id') id: string,
    @Body({ schema: grantSpecBody }) body: GrantSpecBody,
    @Headers('if-match') ifMatch: string | undefined,
    @CallerParam() caller: Caller,
    @Res({ passthrough: true }) reply: ApiReply,
  ): Promise<GrantView> {
    const version = versionOf(ifMatch);
    return tag(reply, grantViewOf(await this.grants.change(caller, id, grantSpecOf(body), version)));
  }
}
