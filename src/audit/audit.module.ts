import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { AuditQuery } from './audit-query.js';
import { CheckpointLoop } from './log/checkpoint-loop.js';
import { CheckpointWriter } from './log/checkpoint-writer.js';
import { Checkpoints } from './log/checkpoints.js';
import { LogDirectory } from './log/log-directory.js';
import { LogFiles } from './log/log-files.js';
import { LogTree } from './log/log-tree.js';
import { Sequencer } from './sequencer.js';
import { SequencerLoop } from './sequencer-loop.js';

/** The log: its sequencer and its reads. The inbox is global, since every domain writes to it. */
@Module({
  imports: [ScheduleModule.forRoot()],
  providers: [
    LogTree,
    LogFiles,
    LogDirectory,
    Checkpoints,
    CheckpointWriter,
    CheckpointLoop,
    Sequencer,
    SequencerLoop,
    AuditQuery,
  ],
  exports: [
    AuditQuery,
    LogTree,
    LogFiles,
    Checkpoints,
    CheckpointWriter,
    CheckpointLoop,
    Sequencer,
    SequencerLoop,
  ],
})
export class AuditModule {}
