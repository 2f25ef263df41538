import type { Type } from '@nestjs/common';
import { AdminLeasesController } from './admin/admin-leases.controller.js';
import { AdminRunsController } from './admin/admin-runs.controller.js';
import { BlocksController } from './admin/blocks.controller.js';
import { CostsController } from './admin/costs.controller.js';
import { CredentialsController } from './admin/credentials.controller.js';
import { GrantActsController } from './admin/grant-acts.controller.js';
import { GrantsController } from './admin/grants.controller.js';
import { IssuersController } from './admin/issuers.controller.js';
import { RevocationsController } from './admin/revocations.controller.js';
import { ToolsController } from './admin/tools.controller.js';
import { WhoamiController } from './admin/whoami.controller.js';
import { AlertsController } from './alert/alerts.controller.js';
import { SilencesController } from './alert/silences.controller.js';
import { AuditController } from './compliance/audit.controller.js';
import { StoryController } from './compliance/story.controller.js';
import { ExportController } from './compliance/export.controller.js';
import { ScheduledExportsController } from './compliance/scheduled-exports.controller.js';
import { HeldController } from './compliance/held.controller.js';
import { LegalHoldsController } from './compliance/legal-holds.controller.js';
import { CallRecordsController } from './gateway/call-records.controller.js';
import { ProviderController } from './gateway/provider.controller.js';
import { ToolCallsController } from './gateway/tool-calls.controller.js';
import { HealthController } from './health/health.controller.js';
import { LogController } from './log/log.controller.js';
import { OriginsController } from './log/origins.controller.js';
import { McpMetadataController } from './mcp/mcp-metadata.controller.js';
import { McpController } from './mcp/mcp.controller.js';
import { MetadataController } from './oauth/metadata.controller.js';
import { TokenController } from './oauth/token.controller.js';
import { MetricsController } from './observability/metrics.controller.js';
import { OpenApiController } from './openapi/openapi.controller.js';
import { HoldController } from './reconciliation/hold.controller.js';
import { ReconciliationsController } from './reconciliation/reconciliations.controller.js';
import { WorkerCostsController } from './worker/worker-costs.controller.js';
import { EgressPolicyController } from './shadow/egress-policy.controller.js';
import { LeaseUsesController } from './shadow/lease-uses.controller.js';
import { ShadowController } from './shadow/shadow.controller.js';
import { SinksController } from './sink/sinks.controller.js';
import { WorkerLeasesController } from './worker/worker-leases.controller.js';
import { WorkerRunController } from './worker/worker-run.controller.js';

/** What every process answers, whatever its roles. */
export const HEALTH_CONTROLLERS: readonly Type[] = [HealthController, MetricsController];

/** What a process with the role `api` answers. */
export const API_CONTROLLERS: readonly Type[] = [
  TokenController,
  MetadataController,
  WorkerLeasesController,
  WorkerRunController,
  WorkerCostsController,
  GrantsController,
  GrantActsController,
  CredentialsController,
  ToolsController,
  AdminRunsController,
  AdminLeasesController,
  RevocationsController,
  BlocksController,
  HoldController,
  ReconciliationsController,
  IssuersController,
  WhoamiController,
  AuditController,
  LegalHoldsController,
  ExportController,
  ScheduledExportsController,
  HeldController,
  StoryController,
  LogController,
  OriginsController,
  AlertsController,
  SilencesController,
  SinksController,
  LeaseUsesController,
  ShadowController,
  EgressPolicyController,
  CallRecordsController,
  CostsController,
  OpenApiController,
];

/** What a process with the role `gateway` answers. */
export const GATEWAY_CONTROLLERS: readonly Type[] = [
  ToolCallsController,
  ProviderController,
  McpController,
  McpMetadataController,
];

/** All of them, for the documentation. */
export const ALL_CONTROLLERS: readonly Type[] = [
  ...API_CONTROLLERS,
  ...GATEWAY_CONTROLLERS,
  ...HEALTH_CONTROLLERS,
];
