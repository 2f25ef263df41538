import { Controller, Get, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import type { Caller } from '../../kernel/caller.js';
import { AuditReads } from '../../audit/audit-reads.js';
import { RunStory } from '../../audit/story/run-story.js';
import { Roles } from '../access/access.js';
import { AdminParam, CallerParam } from '../access/principal.js';
import type { AdminIdentity } from '../http/request.js';
import { Documented } from '../openapi/operation.js';
import { platformId, pageQuery } from '../schema/fields.js';
import { storyView, storyViewOf, type StoryView } from '../view/story-view.js';

const storyQuery = z.strictObject(pageQuery);
type StoryQuery = z.output<typeof storyQuery>;

/** Everything that the log says of a run, in order. */
@Controller('v1/audit/runs')
export class StoryController {
  constructor(
    private readonly story: RunStory,
    private readonly reads: AuditReads,
  ) {}

  @Get(':run/story')
  @Roles('admin', 'auditor')
  @Documented({
    id: 'readRunStory',
    tag: 'Audit',
    summary: 'Read the story of a run',
    description:
      'By our id of the run, or by the platform’s where one run alone has it. Each event comes with a sentence that says ' +
      'what it says. Sums and alerts come with the first page. That you read is itself recorded.',
    answer: storyView,
    errors: ['not_found'],
  })
  async read(
    @Param('run', { schema: platformId }) run: string,
    @Query({ schema: storyQuery }) { limit, cursor }: StoryQuery,
    @CallerParam() caller: Caller,
    @AdminParam() { auditReach }: AdminIdentity,
  ): Promise<StoryView> {
    await this.reads.record(caller, 'story', { run });
    return storyViewOf(await this.story.page(run, auditReach, { limit, cursor }));
  }
}
