import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { AuditExport } from './audit-export.js';
import { ExportManifests } from './export-manifests.js';
import { ExportScopes } from './export-scope.js';
import { LogBundle } from './log-bundle.js';

/** Exports of the log. */
@Module({
  imports: [AuditModule],
  providers: [ExportScopes, AuditExport, ExportManifests, LogBundle],
  exports: [AuditExport, ExportManifests, LogBundle],
})
export class ExportModule {}
