import { Body, Controller, Get, Headers, Param, Post, Put, Query, Res } from '@nestjs/common';
import { z } from 'zod';
import { nameSchema } from '../../credential/spec.js';
import { ToolCatalogue } from '../../gateway/tool/tool-catalogue.js';
import { ToolDryRun } from '../../gateway/tool/tool-dry-run.js';
import { BrokerError } from '../../kernel/broker-error.js';
import type { Caller } from '../../kernel/caller.js';
import { Roles } from '../access/access.js';
import { CallerParam } from '../access/principal.js';
import type { ApiReply } from '../http/request.js';
import { tag, versionOf } from '../http/versions.js';
import { Documented } from '../openapi/operation.js';
import { defined } from '../schema/defined.js';
import { filterText, flag, pageOfViews, pageQuery, reasonBody, type ReasonBody } from '../schema/fields.js';
import { pageView, type PageView } from '../view/page-view.js';
import {
  dryRunView,
  dryRunViewOf,
  toolBody,
  toolVersionView,
  toolVersionViewOf,
  toolView,
  toolViewOf,
  type DryRunView,
  type ToolBody,
  type ToolVersionView,
  type ToolView,
} from '../view/tool-view.js';

const toolsQuery = z.strictObject({
  enabled: flag.optional(),
  credential: filterText.optional().describe('name of the credential that it uses'),
  label: filterText.optional().describe('`key` or `key=value`'),
  ...pageQuery,
});
type ToolsQuery = z.output<typeof toolsQuery>;

const values = z.record(z.string(), z.unknown()).optional();
const testBody = z.strictObject({
  arguments: z
    .strictObject({ path: values, query: values, header: values, body: z.unknown().optional() })
    .prefault({}),
  grant: nameSchema.optional().describe('also check what this grant leaves of the tool'),
});
type TestBody = z.output<typeof testBody>;

/** The tools: which calls there are, and how they are made. */
@Controller('v1/tools')
export class ToolsController {
  constructor(
    private readonly catalogue: ToolCatalogue,
    private readonly dryRun: ToolDryRun,
  ) {}

  @Post()
  @Roles('admin')
  @Documented({
    id: 'createTool',
    tag: 'Tools',
    summary: 'Add a tool',
    status: 201,
    answer: toolView,
    errors: ['name_taken', 'credential_unknown'],
    versioned: 'answers',
    idempotency: 'replays',
  })
  async create(
    @Body({ schema: toolBody }) body: ToolBody,
    @CallerParam() caller: Caller,
    @Res({ passthrough: true }) reply: ApiReply,
  ): Promise<ToolView> {
    return tag(reply, toolViewOf(await this.catalogue.create(caller, body)));
  }

  @Get()
  @Roles('admin', 'approver', 'auditor', 'operator')
  @Documented({ id: 'listTools', tag: 'Tools', summary: 'List the tools', answer: pageOfViews(toolView) })
  async list(@Query({ schema: toolsQuery }) query: ToolsQuery): Promise<PageView<ToolView>> {
    return pageView(await this.catalogue.list(defined(query)), toolViewOf);
  }

  @Get(':name')
  @Roles('admin', 'approver', 'auditor', 'operator')
  @Documented({
    id: 'readTool',
    tag: 'Tools',
    summary: 'Read a tool',
    answer: toolView,
    errors: ['not_found'],
    versioned: 'answers',
  })
  async read(@Param('name') name: string, @Res({ passthrough: true }) reply: ApiReply): Promise<ToolView> {
    return tag(reply, toolViewOf(await this.catalogue.get(name)));
  }

  @Get(':name/versions')
  @Roles('admin', 'approver', 'auditor', 'operator')
  @Documented({
    id: 'listToolVersions',
    tag: 'Tools',
    summary: 'List the versions of a tool, oldest first',
    answer: pageOfViews(toolVersionView),
    errors: ['not_found'],
  })
  async versions(@Param('name') name: string): Promise<PageView<ToolVersionView>> {
    return { items: (await this.catalogue.versions(name)).map(toolVersionViewOf), next_cursor: null };
  }

  @Get(':name/versions/:version')
  @Roles('admin', 'approver', 'auditor', 'operator')
  @Documented({
    id: 'readToolVersion',
    tag: 'Tools',
    summary: 'Read one version of a tool',
    answer: toolVersionView,
    errors: ['not_found'],
  })
  async version(@Param('name') name: string, @Param('version') version: string): Promise<ToolVersionView> {
    if (!/^[1-9]\d{0,8}$/.test(version)) throw new BrokerError('not_found');
    return toolVersionViewOf(await this.catalogue.version(name, Number(version)));
  }

  @Put(':name')
  @Roles('admin')
  @Documented({
    id: 'changeTool',
    tag: 'Tools',
    summary: 'Change a tool: a new version, which calls from now on use',
    answer: toolView,
    errors: ['not_found', 'precondition_failed', 'credential_unknown'],
    versioned: 'requires',
  })
  async change(
    @Param('name') name: string,
    @Body({ schema: toolBody }) body: ToolBody,
    @Headers('if-match') ifMatch: string | undefined,
    @CallerParam() caller: Caller,
    @Res({ passthrough: true }) reply: ApiReply,
  ): Promise<ToolView> {
    const version = versionOf(ifMatch);
    return tag(reply, toolViewOf(await this.catalogue.change(caller, name, body, version)));
  }

  @Post(':name/disable')
  @Roles('admin')
  @Documented({
    id: 'disableTool',
    tag: 'Tools',
    summary: 'Disable a tool: no new calls of it',
    answer: toolView,
    errors: ['not_found', 'state_transition_refused'],
    idempotency: 'replays',
  })
  async disable(
    @Param('name') name: string,
    @Body({ schema: reasonBody }) { reason }: ReasonBody,
    @CallerParam() caller: Caller,
    @Res({ passthrough: true }) reply: ApiReply,
  ): Promise<ToolView> {
    return tag(reply, toolViewOf(await this.catalogue.disable(caller, name, reason)));
  }

  @Post(':name/enable')
  @Roles('admin')
  @Documented({
    id: 'enableTool',
    tag: 'Tools',
    summary: 'Enable a tool again',
    answer: toolView,
    errors: ['not_found', 'state_transition_refused'],
    idempotency: 'replays',
  })
  async enable(
    @Param('name') name: string,
    @Body({ schema: reasonBody }) { reason }: ReasonBody,
    @CallerParam() caller: Caller,
    @Res({ passthrough: true }) reply: ApiReply,
  ): Promise<ToolView> {
    return tag(reply, toolViewOf(await this.catalogue.enable(caller, name, reason)));
  }

  @Post(':name/test')
  @Roles('admin', 'operator')
  @Documented({
    id: 'testTool',
    tag: 'Tools',
    summary: 'Show what a call would send, with the secret masked; nothing is sent',
    answer: dryRunView,
    errors: ['not_found', 'parameter_unknown', 'parameter_refused', 'tool_not_granted'],
  })
  async test(@Param('name') name: string, @Body({ schema: testBody }) body: TestBody): Promise<DryRunView> {
    return dryRunViewOf(await this.dryRun.run(name, defined(body.arguments), body.grant));
  }
}
