import { Controller, Get } from '@nestjs/common';
import { ScheduleStates } from '../../export/schedule/schedule-states.js';
import { Roles } from '../access/access.js';
import { Documented } from '../openapi/operation.js';
import { pageOfViews } from '../schema/fields.js';
import { pageView, type PageView } from '../view/page-view.js';
import { scheduledExportView, scheduledExportViewOf, type ScheduledExportView } from './schedule-view.js';

/** Exports that are written to folders as time goes by. */
@Controller('v1/exports')
export class ScheduledExportsController {
  constructor(private readonly states: ScheduleStates) {}

  @Get()
  @Roles('admin', 'auditor', 'operator')
  @Documented({
    id: 'listScheduledExports',
    tag: 'Audit',
    summary: 'List scheduled exports: what each wrote last, when the next one is due, and what went wrong',
    answer: pageOfViews(scheduledExportView),
  })
  async list(): Promise<PageView<ScheduledExportView>> {
    return pageView({ items: await this.states.all(), nextCursor: null }, scheduledExportViewOf);
  }
}
