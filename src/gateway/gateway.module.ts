import { Module } from '@nestjs/common';
import { Outbound } from './destination/outbound.js';
import { OutboundPools } from './destination/pools.js';
import { OwnAddresses } from './destination/own-addresses.js';
import { Resolver, SystemResolver } from './destination/resolver.js';
import { Destinations } from './destination/vet.js';
import { Scrubber } from './scrub/scrubber.js';

/** The gateway: tools, and the one path on which their calls leave. */
@Module({
  imports: [],
  providers: [
    { provide: Resolver, useClass: SystemResolver },
    OwnAddresses,
    Destinations,
    OutboundPools,
    Outbound,
    Scrubber,
  ],
  exports: [Destinations, Outbound, Scrubber],
})
export class GatewayModule {}
