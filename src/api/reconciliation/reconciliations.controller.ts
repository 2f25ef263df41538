import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import type { Caller } from '../../kernel/caller.js';
import { Reconciliations } from '../../lease/reconcile/reconciliations.js';
import { Roles } from '../access/access.js';
import { CallerParam } from '../access/principal.js';
import { Documented } from '../openapi/operation.js';
import { pageOfViews, pageQuery } from '../schema/fields.js';
import { pageView, type PageView } from '../view/page-view.js';
import {
  findingView,
  findingViewOf,
  reconciliationView,
  reconciliationViewOf,
  type FindingView,
  type ReconciliationView,
} from './reconciliation-view.js';

const askBody = z
  .strictObject({
    dry_run: z.boolean().default(false).describe('only look'),
    reason: z.string().min(1).max(500).optional().describe('why; kept in the event'),
  })
  .nullish()
  .transform((body) => body ?? { dry_run: false })
  .meta({ id: 'ReconciliationBody' });
type AskBody = z.output<typeof askBody>;

const listQuery = z.strictObject({ ...pageQuery });
type ListQuery = z.output<typeof listQuery>;

/** Comparisons of the database with Vault and with the targets. */
@Controller('v1/reconciliations')
export class ReconciliationsController {
  constructor(private readonly reconciliations: Reconciliations) {}

  @Post()
  @Roles('admin', 'operator')
  @Documented({
    id: 'reconcile',
    tag: 'Operation',
    summary: 'Have the books compared, and settled unless it is a dry run',
    description:
      'Answers at once; the scheduler does it within seconds. Settles all that is found, however much, also while ' +
      'revocation is held: look with a dry run first. Users at targets are only ever reported.',
    answer: reconciliationView,
    status: 202,
    idempotency: 'replays',
  })
  async ask(
    @Body({ schema: askBody }) body: AskBody,
    @CallerParam() caller: Caller,
  ): Promise<ReconciliationView> {
    const reason = 'reason' in body ? body.reason : undefined;
    return reconciliationViewOf(await this.reconciliations.ask(caller, { dryRun: body.dry_run, reason }));
  }

  @Get()
  @Roles('admin', 'auditor', 'operator')
  @Documented({
    id: 'listReconciliations',
    tag: 'Operation',
    summary: 'List reconciliations, newest first',
    answer: pageOfViews(reconciliationView),
  })
  async list(@Query({ schema: listQuery }) query: ListQuery): Promise<PageView<ReconciliationView>> {
    return pageView(await this.reconciliations.list(query), reconciliationViewOf);
  }

  @Get(':id')
  @Roles('admin', 'auditor', 'operator')
  @Documented({
    id: 'readReconciliation',
    tag: 'Operation',
    summary: 'Read a reconciliation, also while it runs',
    answer: reconciliationView,
    errors: ['not_found'],
  })
  async read(@Param('id') id: string): Promise<ReconciliationView> {
    return reconciliationViewOf(await this.reconciliations.get(id));
  }

  @Get(':id/findings')
  @Roles('admin', 'auditor', 'operator')
  @Documented({
    id: 'listFindings',
    tag: 'Operation',
    summary: 'List what a reconciliation found, the first thousand of each kind',
    answer: pageOfViews(findingView),
    errors: ['not_found'],
  })
  async findings(
    @Param('id') id: string,
    @Query({ schema: listQuery }) query: ListQuery,
  ): Promise<PageView<FindingView>> {
    return pageView(await this.reconciliations.findings(id, query), findingViewOf);
  }

  @Post(':id/abort')
  @Roles('admin', 'operator')
  @Documented({
    id: 'abortReconciliation',
    tag: 'Operation',
    summary: 'End a reconciliation; what it has settled stays settled',
    answer: reconciliationView,
    errors: ['not_found', 'conflict'],
    idempotency: 'replays',
  })
  async abort(@Param('id') id: string, @CallerParam() caller: Caller): Promise<ReconciliationView> {
    return reconciliationViewOf(await this.reconciliations.abort(caller, id));
  }
}
