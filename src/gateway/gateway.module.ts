import { Module } from '@nestjs/common';
import { Scrubber } from './scrub/scrubber.js';

/** The gateway: tools, and the one path on which their calls leave. */
@Module({
  imports: [],
  providers: [Scrubber],
  exports: [Scrubber],
})
export class GatewayModule {}
