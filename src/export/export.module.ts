import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { AuditExport } from './audit-export.js';
import { ExportManifests } from './export-manifests.js';
import { ExportScopes } from './export-scope.js';
import { LogBundle } from './log-bundle.js';
import { PresentEntries } from './present-range.js';
import { ScheduleJobs } from './schedule/schedule-jobs.js';
import { ScheduleRows } from './schedule/schedule-rows.js';
import { ScheduleStates } from './schedule/schedule-states.js';
import { ScheduledExports } from './schedule/scheduled-exports.js';

/** Exports of the log, those that are asked for and those that are due. */
@Module({
  imports: [AuditModule],
  providers: [
    PresentEntries,
    ExportScopes,
    AuditExport,
    ExportManifests,
    LogBundle,
    ScheduleRows,
    ScheduledExports,
    ScheduleStates,
    ScheduleJobs,
  ],
  exports: [AuditExport, ExportManifests, LogBundle, ScheduleStates],
})
export class ExportModule {}
