import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { SilenceList } from '../../alert/silence-list.js';
import type { Caller } from '../../kernel/caller.js';
import { Roles } from '../access/access.js';
import { CallerParam } from '../access/principal.js';
import { Documented } from '../openapi/operation.js';
import { defined } from '../schema/defined.js';
import { flag, pageOfViews, pageQuery } from '../schema/fields.js';
import { pageView, type PageView } from '../view/page-view.js';
import { silenceBody, silenceView, silenceViewOf, type SilenceBody, type SilenceView } from './alert-view.js';

const silencesQuery = z.strictObject({
  active: flag.optional().describe('only those that hold (true) or are over (false)'),
  ...pageQuery,
});
type SilencesQuery = z.output<typeof silencesQuery>;

/** Who is not to be told for a while. */
@Controller('v1/alerts/silences')
export class SilencesController {
  constructor(private readonly silences: SilenceList) {}

  @Get()
  @Roles('admin', 'auditor', 'operator')
  @Documented({
    id: 'listSilences',
    tag: 'Alerts',
    summary: 'List silences, newest first',
    answer: pageOfViews(silenceView),
  })
  async list(@Query({ schema: silencesQuery }) query: SilencesQuery): Promise<PageView<SilenceView>> {
    return pageView(await this.silences.list(defined(query)), silenceViewOf);
  }

  @Post()
  @Roles('admin', 'operator')
  @Documented({
    id: 'createSilence',
    tag: 'Alerts',
    summary: 'Keep alerts from being told for a while',
    description: 'They fire all the same; what still does is told when the silence ends.',
    status: 201,
    answer: silenceView,
    idempotency: 'replays',
  })
  async create(
    @Body({ schema: silenceBody }) body: SilenceBody,
    @CallerParam() caller: Caller,
  ): Promise<SilenceView> {
    const { matchers, duration_seconds: durationSeconds, comment } = body;
    return silenceViewOf(await this.silences.create(caller, { matchers, durationSeconds, comment }));
  }

  @Post(':id/end')
  @Roles('admin', 'operator')
  @Documented({
    id: 'endSilence',
    tag: 'Alerts',
    summary: 'End a silence early; what it held back is told at once',
    answer: silenceView,
    errors: ['not_found', 'state_transition_refused'],
    idempotency: 'replays',
  })
  async end(@Param('id') id: string, @CallerParam() caller: Caller): Promise<SilenceView> {
    return silenceViewOf(await this.silences.end(caller, id));
  }
}
