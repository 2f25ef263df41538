import { Global, Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { JobRegistry } from './job.js';
import { JobClaims } from './job-claims.js';
import { RegisteredJobs } from './registered-jobs.js';
import { RunHistory } from './run-history.js';
import { Runner } from './runner.js';
import { SchedulerStatus } from './scheduler-status.js';

/** Global, so that a domain needs to know no more than the job that it registers. */
@Global()
@Module({
  imports: [ScheduleModule.forRoot()],
  providers: [
    RegisteredJobs,
    { provide: JobRegistry, useExisting: RegisteredJobs },
    JobClaims,
    RunHistory,
    Runner,
    SchedulerStatus,
  ],
  exports: [JobRegistry, SchedulerStatus, Runner],
})
export class SchedulerModule {}
