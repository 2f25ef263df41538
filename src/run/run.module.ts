import { Module } from '@nestjs/common';
import { GrantModule } from '../grant/grant.module.js';
import { IdentityModule } from '../identity/identity.module.js';
import { Exchange } from './exchange.js';
import { ExchangeQueue } from './exchange-queue.js';
import { ExchangeRefusals } from './exchange-refusals.js';
import { ExpiryJobs } from './expiry-jobs.js';
import { RunEndings } from './run-endings.js';
import { Runs } from './runs.js';

/** Runs, and the exchange that opens them. */
@Module({
  imports: [GrantModule, IdentityModule],
  providers: [RunEndings, Runs, ExchangeQueue, ExchangeRefusals, Exchange, ExpiryJobs],
  exports: [Runs, Exchange, ExchangeQueue],
})
export class RunModule {}
