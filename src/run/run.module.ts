import { Module } from '@nestjs/common';
import type { EntityClass } from '../database/data-source.js';
import { GrantModule } from '../grant/grant.module.js';
import { IdentityModule } from '../identity/identity.module.js';
import { Exchange } from './exchange.js';
import { ExchangeRefusals } from './exchange-refusals.js';
import { ExpiryJobs } from './expiry-jobs.js';
import { RunEndings } from './run-endings.js';
import { Runs } from './runs.js';

/** Runs have no entities: their rows are read by plain SQL. */
export const RUN_ENTITIES: readonly EntityClass[] = [];

/** Runs, and the exchange that opens them. */
@Module({
  imports: [GrantModule, IdentityModule],
  providers: [RunEndings, Runs, ExchangeRefusals, Exchange, ExpiryJobs],
  exports: [Runs, Exchange],
})
export class RunModule {}
