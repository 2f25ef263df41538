import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { AuditQuery } from './audit-query.js';
import { AuditReads } from './audit-reads.js';
import { AuditTally } from './audit-tally.js';
import { HoldFollower } from './held/hold-follower.js';
import { HoldJobs } from './held/hold-jobs.js';
import { WhoHeld } from './held/who-held.js';
import { RunStory } from './story/run-story.js';
import { CheckpointLoop } from './log/checkpoint-loop.js';
import { CheckpointWriter } from './log/checkpoint-writer.js';
import { Checkpoints } from './log/checkpoints.js';
import { LogCheck } from './log/log-check.js';
import { LogDirectory } from './log/log-directory.js';
import { LogFiles } from './log/log-files.js';
import { LogOrigins } from './log/log-origins.js';
import { LogRepair } from './log/log-repair.js';
import { LogTree } from './log/log-tree.js';
import { LogWatch } from './log/log-watch.js';
import { NewOrigin } from './log/new-origin.js';
import { SetBackCheck } from './log/set-back.js';
import { LegalHolds } from './retention/legal-holds.js';
import { LogParts } from './retention/parts.js';
import { RetentionJobs } from './retention/retention-jobs.js';
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
    LogOrigins,
    LogCheck,
    LogWatch,
    LogRepair,
    NewOrigin,
    SetBackCheck,
    CheckpointWriter,
    CheckpointLoop,
    Sequencer,
    SequencerLoop,
    AuditQuery,
    AuditReads,
    AuditTally,
    HoldFollower,
    HoldJobs,
    WhoHeld,
    RunStory,
    LogParts,
    LegalHolds,
    RetentionJobs,
  ],
  exports: [
    LogParts,
    LegalHolds,
    AuditQuery,
    AuditReads,
    AuditTally,
    WhoHeld,
    RunStory,
    LogTree,
    LogFiles,
    Checkpoints,
    LogOrigins,
    NewOrigin,
    CheckpointWriter,
    CheckpointLoop,
    Sequencer,
    SequencerLoop,
  ],
})
export class AuditModule {}
