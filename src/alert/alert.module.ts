import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { AlertJobs } from './alert-jobs.js';
import { AlertRetention } from './alert-retention.js';
import { AlertRules } from './alert-rules.js';
import { Alerts } from './alerts.js';
import { Channels } from './channel/channels.js';
import { Delivery } from './delivery.js';
import { FollowLog } from './follow-log.js';
import { StalledLog } from './stalled-log.js';
import { Outbox } from './outbox.js';
import { SilenceList } from './silence-list.js';
import { Tell } from './tell.js';

/** Alerts: what the audit log says that somebody should know at once, and telling them. */
@Module({
  imports: [AuditModule],
  providers: [
    AlertRules,
    Channels,
    Outbox,
    Delivery,
    SilenceList,
    Tell,
    FollowLog,
    StalledLog,
    AlertRetention,
    AlertJobs,
    Alerts,
  ],
  exports: [Alerts, AlertRules, SilenceList],
})
export class AlertModule {}
