import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import type { Caller } from '../../kernel/caller.js';
import { DeadLetters, LETTER_STATES } from '../../sink/dead-letters.js';
import { SinkStates } from '../../sink/sink-states.js';
import { Roles } from '../access/access.js';
import { CallerParam } from '../access/principal.js';
import { Documented } from '../openapi/operation.js';
import { pageOfViews, pageQuery } from '../schema/fields.js';
import { pageView, type PageView } from '../view/page-view.js';
import {
  deadLetterView,
  deadLetterViewOf,
  sinkRetryBody,
  sinkRetryView,
  sinkView,
  sinkViewOf,
  type DeadLetterView,
  type SinkRetryBody,
  type SinkRetryView,
  type SinkView,
} from './sink-view.js';

const lettersQuery = z.strictObject({ state: z.enum(LETTER_STATES).optional(), ...pageQuery });
type LettersQuery = z.output<typeof lettersQuery>;

/** Who is sent the log, and what they would not take. */
@Controller('v1/sinks')
export class SinksController {
  constructor(
    private readonly states: SinkStates,
    private readonly letters: DeadLetters,
  ) {}

  @Get()
  @Roles('admin', 'auditor', 'operator')
  @Documented({
    id: 'listSinks',
    tag: 'Audit',
    summary: 'List sinks, and how far behind the log they are',
    answer: pageOfViews(sinkView),
  })
  async list(): Promise<PageView<SinkView>> {
    return { items: (await this.states.all()).map(sinkViewOf), next_cursor: null };
  }

  @Get(':name/dead-letters')
  @Roles('admin', 'auditor', 'operator')
  @Documented({
    id: 'listDeadLetters',
    tag: 'Audit',
    summary: 'List the events that a sink would not take, oldest first',
    answer: pageOfViews(deadLetterView),
    errors: ['not_found'],
  })
  async listLetters(
    @Param('name') name: string,
    @Query({ schema: lettersQuery }) query: LettersQuery,
  ): Promise<PageView<DeadLetterView>> {
    return pageView(await this.letters.list(name, query), deadLetterViewOf);
  }

  @Post(':name/retry')
  @Roles('admin', 'operator')
  @Documented({
    id: 'retrySink',
    tag: 'Audit',
    summary: 'Try a sink again at once, and its dead letters with it',
    answer: sinkRetryView,
    errors: ['not_found'],
    idempotency: 'replays',
  })
  async retry(
    @Param('name') name: string,
    @Body({ schema: sinkRetryBody }) body: SinkRetryBody,
    @CallerParam() caller: Caller,
  ): Promise<SinkRetryView> {
    return { sink: name, letters: await this.letters.retry(caller, name, body.letters) };
  }
}
