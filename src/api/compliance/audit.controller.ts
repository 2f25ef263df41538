import { Controller, Get, Query } from '@nestjs/common';
import { z } from 'zod';
import type { Caller } from '../../kernel/caller.js';
import { AuditQuery, type AuditRecord } from '../../audit/audit-query.js';
import { AuditReads } from '../../audit/audit-reads.js';
import { AuditTally } from '../../audit/audit-tally.js';
import { Roles } from '../access/access.js';
import { AdminParam, CallerParam } from '../access/principal.js';
import type { AdminIdentity } from '../http/request.js';
import { Documented } from '../openapi/operation.js';
import { instant, pageOfViews } from '../schema/fields.js';
import { instantOf, pageView, type PageView } from '../view/page-view.js';
import {
  countQuery,
  eventsQuery,
  filtersOf,
  histogramQuery,
  type CountQuery,
  type EventsQuery,
  type HistogramQuery,
} from './audit-requests.js';

const hash = z.string().describe('SHA-256, in hex');

const recordView = z
  .object({
    index: z.int(),
    event: z.record(z.string(), z.unknown()),
    leaf_hash: hash,
  })
  .meta({ id: 'AuditRecordView' });
type RecordView = z.output<typeof recordView>;

const headView = z
  .object({ origin: z.string(), size: z.int(), root_hash: hash })
  .meta({ id: 'AuditHeadView' });
type HeadView = z.output<typeof headView>;

const countView = z
  .object({ count: z.int(), exact: z.boolean().describe('false when counting ended at `at_most`') })
  .meta({ id: 'AuditCountView' });
type CountView = z.output<typeof countView>;

const histogramView = z
  .object({
    from: instant,
    to: instant,
    interval_seconds: z.int(),
    steps: z.array(
      z.object({
        at: instant.describe('when the step begins'),
        value: z.string().optional().describe('the kind or outcome that was counted'),
        count: z.int(),
      }),
    ),
  })
  .meta({ id: 'AuditHistogramView' });
type HistogramView = z.output<typeof histogramView>;

/** The audit log, for those who have to answer for it. */
@Controller('v1/audit')
export class AuditController {
  constructor(
    private readonly query: AuditQuery,
    private readonly tally: AuditTally,
    private readonly reads: AuditReads,
  ) {}

  @Get('events')
  @Roles('admin', 'auditor')
  @Documented({
    id: 'listEvents',
    tag: 'Audit',
    summary: 'List events',
    description:
      'An event is listed once it is sequenced, a fraction of a second after it was recorded. Pages neither repeat nor skip ' +
      'an event while the log grows. That you read is itself recorded.',
    answer: pageOfViews(recordView),
  })
  async list(
    @Query({ schema: eventsQuery }) query: EventsQuery,
    @CallerParam() caller: Caller,
    @AdminParam() { auditReach }: AdminIdentity,
  ): Promise<PageView<RecordView>> {
    const { limit, cursor, order } = query;
    await this.reads.record(caller, 'events', query);
    return pageView(await this.query.list(filtersOf(query, auditReach), { limit, cursor, order }), recordOf);
  }

  @Get('count')
  @Roles('admin', 'auditor')
  @Documented({
    id: 'countEvents',
    tag: 'Audit',
    summary: 'Count events',
    answer: countView,
  })
  async count(
    @Query({ schema: countQuery }) query: CountQuery,
    @CallerParam() caller: Caller,
    @AdminParam() { auditReach }: AdminIdentity,
  ): Promise<CountView> {
    await this.reads.record(caller, 'count', query);
    return this.tally.count(filtersOf(query, auditReach), query.at_most);
  }

  @Get('histogram')
  @Roles('admin', 'auditor')
  @Documented({
    id: 'countEventsOverTime',
    tag: 'Audit',
    summary: 'Count events over time',
    description: 'Of the last day unless told. Steps in which nothing happened are left out.',
    answer: histogramView,
  })
  async histogram(
    @Query({ schema: histogramQuery }) query: HistogramQuery,
    @CallerParam() caller: Caller,
    @AdminParam() { auditReach }: AdminIdentity,
  ): Promise<HistogramView> {
    await this.reads.record(caller, 'histogram', query);
    const { from, to, intervalSeconds, steps } = await this.tally.histogram(filtersOf(query, auditReach), {
      intervalSeconds: query.interval,
      by: query.by,
    });
    return {
      from: instantOf(from),
      to: instantOf(to),
      interval_seconds: intervalSeconds,
      steps: steps.map((step) => ({ ...step, at: instantOf(step.at) })),
    };
  }

  @Get('events/head')
  @Roles('admin', 'auditor')
  @Documented({
    id: 'readHead',
    tag: 'Audit',
    summary: 'Read the head of the log',
    description: 'Keep it elsewhere: it proves later that nothing before it was changed.',
    answer: headView,
  })
  async head(): Promise<HeadView> {
    const { origin, size, rootHash } = await this.query.head();
    return { origin, size, root_hash: rootHash };
  }
}

function recordOf(record: AuditRecord): RecordView {
  return {
    index: record.index,
    event: { ...record.event },
    leaf_hash: record.leafHash,
  };
}
