import { Controller, Get, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { CallRecords } from '../../gateway/call/call-records.js';
import { Roles } from '../access/access.js';
import { Documented } from '../openapi/operation.js';
import { filterText, pageOfViews, pageQuery } from '../schema/fields.js';
import { callRecordView, callRecordViewOf, type CallRecordView } from '../view/call-record-view.js';
import { pageView, type PageView } from '../view/page-view.js';

const callsQuery = z.strictObject({
  state: z.enum(['open', 'ended']).optional(),
  outcome: z.enum(['success', 'refused', 'failure', 'unknown']).optional(),
  tool: filterText.optional(),
  run: filterText.optional().describe("our id of a run, or the platform's"),
  step: filterText.optional(),
  grant: filterText.optional().describe('id or name'),
  ...pageQuery,
});
type CallsQuery = z.output<typeof callsQuery>;

/** Calls of everybody; never what was said in them. */
@Controller('v1/calls')
export class CallRecordsController {
  constructor(private readonly records: CallRecords) {}

  @Get()
  @Roles('admin', 'auditor', 'operator')
  @Documented({
    id: 'listCalls',
    tag: 'Calls',
    summary: 'List calls, newest first',
    answer: pageOfViews(callRecordView),
  })
  async list(@Query({ schema: callsQuery }) query: CallsQuery): Promise<PageView<CallRecordView>> {
    return pageView(await this.records.list(query), callRecordViewOf);
  }

  @Get(':id')
  @Roles('admin', 'auditor', 'operator')
  @Documented({
    id: 'readCall',
    tag: 'Calls',
    summary: 'Read a call',
    answer: callRecordView,
    errors: ['not_found'],
  })
  async read(@Param('id') id: string): Promise<CallRecordView> {
    return callRecordViewOf(await this.records.get(id));
  }
}
