import { Controller, Get } from '@nestjs/common';
import { z } from 'zod';
import { CostSums } from '../../gateway/cost/cost-sums.js';
import { utcDay } from '../../gateway/cost/utc-day.js';
import type { RunIdentity } from '../../identity/run-token.js';
import { Clock } from '../../kernel/clock.js';
import { Runs } from '../../run/runs.js';
import { RunToken } from '../access/access.js';
import { RunParam } from '../access/principal.js';
import { Documented } from '../openapi/operation.js';
import { costView, costViewOf } from '../view/cost-view.js';

const MOST_TOOLS = 256;

const ownCostsView = z
  .object({
    calls: z.int(),
    cost_micros: z.int().describe('of calls that have ended'),
    tools: z.array(costView),
  })
  .meta({ id: 'OwnCosts' });
type OwnCostsView = z.output<typeof ownCostsView>;

/** What the caller's own run has cost. */
@Controller('v1/runs/self/costs')
export class WorkerCostsController {
  constructor(
    private readonly sums: CostSums,
    private readonly runs: Runs,
    private readonly clock: Clock,
  ) {}

  @Get()
  @RunToken()
  @Documented({
    id: 'ownCosts',
    tag: 'Workers',
    summary: 'Read what the own run has cost, by tool',
    answer: ownCostsView,
  })
  async read(@RunParam() identity: RunIdentity): Promise<OwnCostsView> {
    const { openedAt } = await this.runs.get(identity.runRef);
    const days = { from: utcDay(openedAt), to: utcDay(this.clock.now(), 1) };
    const { items } = await this.sums.list('tool', days, { run: identity.runRef }, { limit: MOST_TOOLS });
    return {
      calls: items.reduce((sum, { calls }) => sum + calls, 0),
      cost_micros: items.reduce((sum, { costMicros }) => sum + costMicros, 0),
      tools: items.map(costViewOf),
    };
  }
}
