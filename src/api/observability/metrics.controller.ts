import { Controller, Get, Res } from '@nestjs/common';
import { Public } from '../access/access.js';
import type { ApiReply } from '../http/request.js';
import { Documented } from '../openapi/operation.js';
import { Gauges } from './gauges.js';
import { Metrics } from './metrics.js';

/** What Prometheus scrapes. */
@Controller('metrics')
export class MetricsController {
  constructor(
    private readonly metrics: Metrics,
    private readonly gauges: Gauges,
  ) {}

  @Get()
  @Public(
    'a scraper has no token; there are counts and durations here, and no name of a workload or credential',
  )
  @Documented({
    id: 'metrics',
    tag: 'Operation',
    summary: 'Metrics in the Prometheus text format',
    answer: { mediaType: 'text/plain' },
  })
  async read(@Res({ passthrough: true }) reply: ApiReply): Promise<string> {
    await this.gauges.refresh();
    void reply.type(this.metrics.registry.contentType);
    return this.metrics.registry.metrics();
  }
}
