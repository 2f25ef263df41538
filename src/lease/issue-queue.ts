import { Injectable } from '@nestjs/common';
import { Clock } from '../kernel/clock.js';
import { FairQueue } from '../kernel/fair-queue.js';
import { Ids } from '../kernel/ids.js';
import { Settings } from '../settings/schema.js';

/**
 * Where requests for leases wait before anything is asked of Vault; grants take turns. Issuing makes one call to Vault
 * at a time, so its concurrency (`leases.issue.concurrency`) is also that of its calls. Per replica.
 */
@Injectable()
export class IssueQueue extends FairQueue {
  constructor(settings: Settings, clock: Clock, ids: Ids) {
    super(settings.values.leases.issue, clock, ids);
  }
}
