import { Controller, Get, Headers, Post, Query, Req, Res } from '@nestjs/common';
import { z } from 'zod';
import { nameSchema } from '../../credential/spec.js';
import { COST_GROUPINGS } from '../../gateway/cost/cost-sum.js';
import { CostSums } from '../../gateway/cost/cost-sums.js';
import { CostReconciliation } from '../../gateway/cost/reconciliation.js';
import { readUsage } from '../../gateway/cost/usage-file.js';
import { UsageImports } from '../../gateway/cost/usage-imports.js';
import { dayRange } from '../../gateway/cost/utc-day.js';
import { BrokerError } from '../../kernel/broker-error.js';
import type { Caller } from '../../kernel/caller.js';
import { Clock } from '../../kernel/clock.js';
import { Roles } from '../access/access.js';
import { CallerParam } from '../access/principal.js';
import { RECORD_MEDIA_TYPES, recordFileOf } from '../http/record-files.js';
import type { ApiReply, ApiRequest } from '../http/request.js';
import { Documented } from '../openapi/operation.js';
import { filterText, pageOfViews, pageQuery } from '../schema/fields.js';
import { costCsv } from '../view/cost-csv.js';
import {
  costView,
  costViewOf,
  reconciledView,
  reconciledViewOf,
  usageImportView,
  type CostView,
  type ReconciledView,
  type UsageImportView,
} from '../view/cost-view.js';
import { pageView, type PageView } from '../view/page-view.js';

const USUAL_DAYS = 31;
const MOST_CSV_ROWS = 10_000;

const days = {
  from: z.iso.date().optional().describe('first day of UTC; 31 days before `to` unless told'),
  to: z.iso.date().optional().describe('day of UTC that is not in it any more; tomorrow unless told'),
};
const costsQuery = z.strictObject({
  by: z.enum(COST_GROUPINGS),
  ...days,
  run: filterText.optional().describe("our id of a run, or the platform's"),
  grant: filterText.optional().describe('id or name'),
  tool: filterText.optional(),
  subject: filterText.optional().describe('of the workload'),
  ...pageQuery,
});
type CostsQuery = z.output<typeof costsQuery>;

const reconciliationQuery = z.strictObject({ ...days, ...pageQuery });
type ReconciliationQuery = z.output<typeof reconciliationQuery>;

const importQuery = z.strictObject({
  source: nameSchema.optional().describe('whose usage it is, where the rows do not say'),
});
type ImportQuery = z.output<typeof importQuery>;

/** What calls cost, and whether providers agree. */
@Controller('v1/costs')
export class CostsController {
  constructor(
    private readonly sums: CostSums,
    private readonly imports: UsageImports,
    private readonly reconciliation: CostReconciliation,
    private readonly clock: Clock,
  ) {}

  @Get()
  @Roles('admin', 'auditor', 'operator')
  @Documented({
    id: 'listCosts',
    tag: 'Costs',
    summary: 'Sum what calls cost',
    description:
      'Of calls that have ended. With `Accept: text/csv` the answer is all of it, for a spreadsheet, at most 10,000 groups.',
    answer: pageOfViews(costView),
  })
  async list(
    @Query({ schema: costsQuery }) query: CostsQuery,
    @Headers('accept') accept: string | undefined,
    @Res({ passthrough: true }) reply: ApiReply,
  ): Promise<PageView<CostView> | string> {
    const { by, limit, cursor, from, to, ...filter } = query;
    const range = dayRange({ from, to }, this.clock.now(), USUAL_DAYS);
    if (!isCsv(accept))
      return pageView(await this.sums.list(by, range, filter, { limit, cursor }), costViewOf);
    const all = await this.sums.list(by, range, filter, { limit: MOST_CSV_ROWS });
    if (all.nextCursor !== null)
      throw new BrokerError('request_invalid', {
        detail: `are more than ${MOST_CSV_ROWS} groups; ask for fewer`,
      });
    void reply.type('text/csv; charset=utf-8');
    return costCsv(by, all.items);
  }

  @Get('reconciliation')
  @Roles('admin', 'auditor', 'operator')
  @Documented({
    id: 'reconcileCosts',
    tag: 'Costs',
    summary: 'Compare our sums with what providers say, by day and key',
    answer: pageOfViews(reconciledView),
  })
  async reconcile(
    @Query({ schema: reconciliationQuery }) { from, to, ...page }: ReconciliationQuery,
  ): Promise<PageView<ReconciledView>> {
    const range = dayRange({ from, to }, this.clock.now(), USUAL_DAYS);
    return pageView(await this.reconciliation.list(range, page), reconciledViewOf);
  }

  @Post('imports')
  @Roles('admin', 'operator')
  @Documented({
    id: 'importUsage',
    tag: 'Costs',
    summary: "Import a provider's usage",
    description:
      'JSON Lines, or CSV with a header: `day`, `key` (or `project`), `amount_micros`, `source`, and units (`units.NAME` in CSV). All rows are taken or none. A row that says something new replaces the one before; each difference beyond the tolerance is an event.',
    answer: usageImportView,
    errors: ['media_type_unsupported', 'request_too_large'],
    records: Object.keys(RECORD_MEDIA_TYPES),
    idempotency: 'replays',
  })
  import(
    @Query({ schema: importQuery }) { source }: ImportQuery,
    @CallerParam() caller: Caller,
    @Req() request: ApiRequest,
  ): Promise<UsageImportView> {
    const { text, format } = recordFileOf(request);
    return this.imports.import(caller, readUsage(text, format, source));
  }
}

function isCsv(accept: string | undefined): boolean {
  return (
    accept?.split(',').some((range) => range.split(';', 1)[0]?.trim().toLowerCase() === 'text/csv') ?? false
  );
}
