import { Controller, Get, Res } from '@nestjs/common';
import { z } from 'zod';
import { Public } from '../access/access.js';
import type { ApiReply } from '../http/request.js';
import { Documented } from '../openapi/operation.js';
import { ReadinessCheck, type Readiness } from './readiness.js';

const liveView = z.object({ alive: z.literal(true) });
const readyView = z
  .object({
    ready: z.boolean(),
    checks: z.record(
      z.string(),
      z.object({
        ok: z.boolean(),
        detail: z.string().optional(),
        state: z.string().optional().describe('name of what was found'),
        advice: z.string().optional().describe('what to do about it'),
      }),
    ),
  })
  .meta({ id: 'ReadinessView' });

/** For whatever keeps the process alive and sends it traffic. */
@Controller()
export class HealthController {
  constructor(private readonly readiness: ReadinessCheck) {}

  @Get('livez')
  @Public('an orchestrator has no token, and learns nothing but that the process answers')
  @Documented({ id: 'live', tag: 'Operation', summary: 'Whether the process answers', answer: liveView })
  live(): { alive: true } {
    return { alive: true };
  }

  @Get('readyz')
  @Public('a load balancer has no token, and learns names of dependencies and no address')
  @Documented({
    id: 'ready',
    tag: 'Operation',
    summary: 'Whether this replica should get traffic; 503 when not',
    answer: readyView,
  })
  async ready(@Res({ passthrough: true }) reply: ApiReply): Promise<Readiness> {
    const readiness = await this.readiness.check();
    if (!readiness.ready) void reply.code(503);
    return readiness;
  }
}
