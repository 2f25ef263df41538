import { Body, Controller, Get, Param, Post, Query, Req } from '@nestjs/common';
import { z } from 'zod';
import type { Caller } from '../../kernel/caller.js';
import { RUN_STATES } from '../../run/run.js';
import { Runs } from '../../run/runs.js';
import { Roles } from '../access/access.js';
import { CallerParam } from '../access/principal.js';
import type { ApiRequest } from '../http/request.js';
import { Documented } from '../openapi/operation.js';
import { RunEndings } from '../run-endings.js';
import { defined } from '../schema/defined.js';
import { filterText, pageOfViews, pageQuery, reasonBody, type ReasonBody } from '../schema/fields.js';
import { pageView, type PageView } from '../view/page-view.js';
import { runEndView, runView, runViewOf, type RunEndView, type RunView } from '../view/run-view.js';

const runsQuery = z.strictObject({
  state: z.enum(RUN_STATES).optional(),
  grant: filterText.optional().describe('id or name'),
  run_id: filterText.optional().describe("the platform's id"),
  subject: filterText.optional(),
  ...pageQuery,
});
type RunsQuery = z.output<typeof runsQuery>;

/** Runs of everybody. */
@Controller('v1/runs')
export class AdminRunsController {
  constructor(
    private readonly runs: Runs,
    private readonly endings: RunEndings,
  ) {}

  @Get()
  @Roles('admin', 'approver', 'auditor', 'operator')
  @Documented({
    id: 'listRuns',
    tag: 'Runs',
    summary: 'List runs, newest first',
    answer: pageOfViews(runView),
  })
  async list(
    @Query({ schema: runsQuery }) { run_id: runId, ...query }: RunsQuery,
  ): Promise<PageView<RunView>> {
    return pageView(await this.runs.list(defined({ ...query, runId })), runViewOf);
  }

  @Get(':id')
  @Roles('admin', 'approver', 'auditor', 'operator')
  @Documented({
    id: 'readRun',
    tag: 'Runs',
    summary: 'Read a run, by our id',
    answer: runView,
    errors: ['not_found'],
  })
  async read(@Param('id') id: string): Promise<RunView> {
    return runViewOf(await this.runs.get(id));
  }

  @Post(':id/close')
  @Roles('admin', 'operator')
  @Documented({
    id: 'closeRun',
    tag: 'Runs',
    summary: 'Close a run, and end every lease of it',
    answer: runEndView,
    errors: ['not_found', 'run_closed'],
    idempotency: 'replays',
  })
  close(
    @Param('id') id: string,
    @Body({ schema: reasonBody }) { reason }: ReasonBody,
    @CallerParam() caller: Caller,
    @Req() request: ApiRequest,
  ): Promise<RunEndView> {
    request.circumstances.runRef = id;
    return this.endings.wait(this.runs.close(caller, id, reason));
  }

  @Post(':id/revoke')
  @Roles('admin', 'operator')
  @Documented({
    id: 'revokeRun',
    tag: 'Runs',
    summary: 'Revoke a run, and end every lease of it',
    answer: runEndView,
    errors: ['not_found', 'run_closed'],
    idempotency: 'replays',
  })
  revoke(
    @Param('id') id: string,
    @Body({ schema: reasonBody }) { reason }: ReasonBody,
    @CallerParam() caller: Caller,
    @Req() request: ApiRequest,
  ): Promise<RunEndView> {
    request.circumstances.runRef = id;
    return this.endings.wait(this.runs.revoke(caller, id, reason));
  }
}
