import { Controller, Get, Query, Res, StreamableFile } from '@nestjs/common';
import { z } from 'zod';
import type { Caller } from '../../kernel/caller.js';
import { AuditQuery, type AuditRecord } from '../../audit/audit-query.js';
import { AuditExport, exportContentType } from '../../export/audit-export.js';
import { Roles } from '../access/access.js';
import { CallerParam } from '../access/principal.js';
import type { ApiReply } from '../http/request.js';
import { Documented } from '../openapi/operation.js';
import { pageOfViews } from '../schema/fields.js';
import { pageView, type PageView } from '../view/page-view.js';
import { eventsQuery, exportQuery, filtersOf, type EventsQuery, type ExportQuery } from './audit-requests.js';

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

/** The audit log, for those who have to answer for it. */
@Controller('v1/audit')
export class AuditController {
  constructor(
    private readonly query: AuditQuery,
    private readonly exports: AuditExport,
  ) {}

  @Get('events')
  @Roles('admin', 'auditor')
  @Documented({
    id: 'listEvents',
    tag: 'Audit',
    summary: 'List events',
    description: 'An event is listed once it is sequenced, a fraction of a second after it was recorded.',
    answer: pageOfViews(recordView),
  })
  async list(@Query({ schema: eventsQuery }) query: EventsQuery): Promise<PageView<RecordView>> {
    const { limit, cursor, order } = query;
    return pageView(await this.query.list(filtersOf(query), { limit, cursor, order }), recordOf);
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

  @Get('export')
  @Roles('admin', 'auditor')
  @Documented({
    id: 'exportEvents',
    tag: 'Audit',
    summary: 'Export the log, or a part of it, as a stream; itself recorded',
    answer: { mediaType: 'application/x-ndjson' },
    errors: ['overloaded'],
  })
  async export(
    @Query({ schema: exportQuery }) query: ExportQuery,
    @CallerParam() caller: Caller,
    @Res({ passthrough: true }) reply: ApiReply,
  ): Promise<StreamableFile> {
    const stream = await this.exports.stream(caller, filtersOf(query), query.format);
    void reply.header('content-disposition', `attachment; filename="leasegate-audit.${query.format}"`);
    return new StreamableFile(stream, { type: exportContentType(query.format) });
  }
}

function recordOf(record: AuditRecord): RecordView {
  return {
    index: record.index,
    event: { ...record.event },
    leaf_hash: record.leafHash,
  };
}
