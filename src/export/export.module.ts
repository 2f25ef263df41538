import { Module } from '@nestjs/common';
import { AuditModule } from '../audit/audit.module.js';
import { AuditExport } from './audit-export.js';

/** Exports of the log. */
@Module({ imports: [AuditModule], providers: [AuditExport], exports: [AuditExport] })
export class ExportModule {}
