import { Module } from '@nestjs/common';

/** The gateway: tools, and the one path on which their calls leave. */
@Module({
  imports: [],
  providers: [],
  exports: [],
})
export class GatewayModule {}
