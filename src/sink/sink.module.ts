import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { DeadLetters } from './dead-letters.js';
import { LetterRows } from './letter-rows.js';
import { SinkDatabase } from './sink-database.js';
import { SinkJobs } from './sink-jobs.js';
import { SinkLog } from './sink-log.js';
import { SinkRows } from './sink-rows.js';
import { SinkSender } from './sink-sender.js';
import { SinkStates } from './sink-states.js';
import { SinkTargets } from './sink-targets.js';
import { SinkWatch } from './sink-watch.js';

/** Sinks: the log, sent on to others as it grows. */
@Module({
  imports: [AuditModule],
  providers: [
    SinkDatabase,
    SinkLog,
    SinkTargets,
    SinkRows,
    LetterRows,
    SinkSender,
    SinkStates,
    SinkWatch,
    SinkJobs,
    DeadLetters,
  ],
  exports: [SinkStates, DeadLetters],
})
export class SinkModule {}
