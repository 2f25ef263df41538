import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { AuditQuery } from './audit-query.js';
import { Checkpoints } from './log/checkpoints.js';
import { LogTree } from './log/log-tree.js';
import { Sequencer } from './sequencer.js';
import { SequencerLoop } from './sequencer-loop.js';

/** The log: its sequencer and its reads. The inbox is global, since every domain writes to it. */
@Module({
  imports: [ScheduleModule.forRoot()],
  providers: [LogTree, Checkpoints, Sequencer, SequencerLoop, AuditQuery],
  exports: [AuditQuery, LogTree, Checkpoints, Sequencer, SequencerLoop],
})
export class AuditModule {}
