import { Injectable } from '@nestjs/common';
import { Clock } from '../kernel/clock.js';
import { FairQueue } from '../kernel/fair-queue.js';
import { Ids } from '../kernel/ids.js';
import { Settings } from '../settings/schema.js';

/**
 * Where exchanges wait, per replica: first for the processor, which verifies signatures, then for the database. Before
 * its signature is verified nothing that a token says can be believed, so the first wait is in order of arrival; in the
 * second, workloads take turns.
 */
@Injectable()
export class ExchangeQueue {
  readonly verifying: FairQueue;
  readonly opening: FairQueue;

  constructor(settings: Settings, clock: Clock, ids: Ids) {
    this.verifying = new FairQueue(settings.values.runs.exchange, clock, ids);
    this.opening = new FairQueue(settings.values.runs.exchange, clock, ids);
  }
}
