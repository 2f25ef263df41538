import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { AuditQuery } from './audit-query.js';
import { Sequencer } from './sequencer.js';
import { SequencerLoop } from './sequencer-loop.js';

/** The log: its sequencer and its reads. The inbox is global, since every domain writes to it. */
@Module({
  imports: [ScheduleModule.forRoot()],
  providers: [Sequencer, SequencerLoop, AuditQuery],
  exports: [AuditQuery, Sequencer, SequencerLoop],
})
export class AuditModule {}
