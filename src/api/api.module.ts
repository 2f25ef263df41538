import { Module, type DynamicModule } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { AlertModule } from '../alert/alert.module.js';
import { AuditModule } from '../audit/audit.module.js';
import { CredentialModule } from '../credential/credential.module.js';
import { ExportModule } from '../export/export.module.js';
import { GatewayModule } from '../gateway/gateway.module.js';
import { GrantModule } from '../grant/grant.module.js';
import { IdentityModule } from '../identity/identity.module.js';
import { LeaseModule } from '../lease/lease.module.js';
import { RunModule } from '../run/run.module.js';
import { SinkModule } from '../sink/sink.module.js';
import { RevocationStreams } from './admin/revocation-stream.js';
import { AccessEvents } from './access/access-events.js';
import { AccessGuard } from './access/access.guard.js';
import { RunAccess } from './access/run-access.js';
import { SenderProof } from './access/sender-proof.js';
import { DirectRoutes } from './http/direct-routes.js';
import { Strategies } from './access/strategies.js';
import { ALL_CONTROLLERS, API_CONTROLLERS, GATEWAY_CONTROLLERS, HEALTH_CONTROLLERS } from './controllers.js';
import { CallAccess } from './gateway/call-access.js';
import { DirectCalls } from './gateway/direct-calls.js';
import { ProviderCalls } from './gateway/provider-calls.js';
import { ReadinessCheck } from './health/readiness.js';
import { RouteTable } from './http/route-table.js';
import { SchemaPipe } from './http/schema.pipe.js';
import { IdempotencyInterceptor } from './idempotency/idempotency.interceptor.js';
import { IdempotencyKeys } from './idempotency/idempotency-keys.js';
import { McpEndpoint } from './mcp/mcp-endpoint.js';
import { McpTools } from './mcp/mcp-tools.js';
import { OpenRequests } from './mcp/open-requests.js';
import { Gauges } from './observability/gauges.js';
import { QueueGauges } from './observability/queue-gauges.js';
import { ApiDescription } from './openapi/description.js';
import { ProblemFilter } from './problem/problem.filter.js';
import { RunEndings } from './run-endings.js';
import { DirectLeases } from './worker/direct-leases.js';

/** Which routes there are, besides those for health. */
export interface ApiOptions {
  readonly api: boolean;
  readonly gateway: boolean;
  readonly version: string;
}

/** The HTTP side. Needs `Probes` and `Metrics`, which only the application binds. */
@Module({})
export class ApiModule {
  /** With the routes of the API and of the gateway, or with those for health alone. */
  static register(options: ApiOptions): DynamicModule {
    return {
      module: ApiModule,
      imports: [
        IdentityModule,
        CredentialModule,
        GrantModule,
        RunModule,
        LeaseModule,
        AuditModule,
        AlertModule,
        SinkModule,
        ExportModule,
        GatewayModule,
      ],
      controllers: [
        ...HEALTH_CONTROLLERS,
        ...(options.api ? API_CONTROLLERS : []),
        ...(options.gateway ? GATEWAY_CONTROLLERS : []),
      ],
      providers: [
        AccessEvents,
        CallAccess,
        ProviderCalls,
        AccessGuard,
        DirectRoutes,
        DirectCalls,
        DirectLeases,
        ProblemFilter,
        RunAccess,
        SenderProof,
        Strategies,
        ReadinessCheck,
        RouteTable,
        IdempotencyKeys,
        Gauges,
        QueueGauges,
        RunEndings,
        RevocationStreams,
        OpenRequests,
        McpTools,
        McpEndpoint,
        { provide: ApiDescription, useFactory: () => new ApiDescription(ALL_CONTROLLERS, options.version) },
        { provide: APP_GUARD, useExisting: AccessGuard },
        { provide: APP_PIPE, useClass: SchemaPipe },
        { provide: APP_INTERCEPTOR, useClass: IdempotencyInterceptor },
        { provide: APP_FILTER, useExisting: ProblemFilter },
      ],
      exports: [ReadinessCheck, RouteTable, DirectRoutes, DirectCalls, DirectLeases],
    };
  }
}
