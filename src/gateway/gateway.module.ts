import { Module } from '@nestjs/common';
import { CredentialModule } from '../credential/credential.module.js';
import { GrantModule } from '../grant/grant.module.js';
import { LeaseModule } from '../lease/lease.module.js';
import { RunModule } from '../run/run.module.js';
import { AdmissionStatements } from './admission/admission-statements.js';
import { Admission } from './admission/admission.js';
import { AdmissionJobs } from './admission/admission-jobs.js';
import { CallRetention } from './admission/call-retention.js';
import { OpenCalls } from './admission/open-calls.js';
import { UnknownCalls } from './admission/unknown-calls.js';
import { AnswerHeaders } from './call/answer-headers.js';
import { CallArrival } from './call/call-arrival.js';
import { CallDecisions } from './call/call-decisions.js';
import { CallDeparture } from './call/call-departure.js';
import { CallEvents } from './call/call-events.js';
import { CallRecords } from './call/call-records.js';
import { CallStarts } from './call/call-starts.js';
import { Calls } from './call/calls.js';
import { RequestScrub } from './call/checks/request-scrub.js';
import { OpenCallRegistry } from './call/open-call-registry.js';
import { PreparedTools } from './call/prepared-tool.js';
import { Outbound } from './destination/outbound.js';
import { OutboundPools } from './destination/pools.js';
import { OwnAddresses } from './destination/own-addresses.js';
import { Resolver, SystemResolver } from './destination/resolver.js';
import { Destinations } from './destination/vet.js';
import { CostSums } from './cost/cost-sums.js';
import { CostReconciliation } from './cost/reconciliation.js';
import { UsageImports } from './cost/usage-imports.js';
import { HeldCredentials } from './inject/held-credentials.js';
import { Injection } from './inject/injection.js';
import { HeldLeaseWatch } from './inject/lease-watch.js';
import { OAuthTokens } from './inject/oauth-tokens.js';
import { OutboundTokenEndpoint } from './inject/outbound-token-endpoint.js';
import { TokenEndpoint } from './inject/token-endpoint.js';
import { ToolUse } from './inject/tool-use.js';
import { Scrubber } from './scrub/scrubber.js';
import { AccountImport } from './shadow/account-import.js';
import { CredentialPaths } from './shadow/credential-paths.js';
import { EgressFindings } from './shadow/egress-findings.js';
import { EgressImport } from './shadow/egress-import.js';
import { FollowLogs } from './shadow/follow/follow-logs.js';
import { LogCursors } from './shadow/follow/log-cursors.js';
import { VaultSocket } from './shadow/follow/vault-socket.js';
import { KnownAccessors } from './shadow/known-accessors.js';
import { ManagedHosts } from './shadow/managed-hosts.js';
import { EgressPolicy } from './shadow/policy/egress-policy.js';
import { ProviderUsageWatch } from './shadow/provider-usage-watch.js';
import { ShadowJobs } from './shadow/shadow-jobs.js';
import { ShadowRetention } from './shadow/shadow-retention.js';
import { LeaseUses } from './shadow/uses/lease-uses.js';
import { TellUses } from './shadow/uses/tell-uses.js';
import { TokenLeases } from './shadow/uses/token-leases.js';
import { VaultImport } from './shadow/vault-import.js';
import { VaultLog } from './shadow/vault-log.js';
import { ToolCatalogue } from './tool/tool-catalogue.js';
import { ToolDryRun } from './tool/tool-dry-run.js';
import { ToolFiles } from './tool/tool-files.js';
import { ToolPermissions } from './tool/tool-permissions.js';
import { ToolsOfGrants } from './tool/tools-of-grants.js';

/** The gateway: tools, and the one path on which their calls leave. */
@Module({
  imports: [CredentialModule, GrantModule, RunModule, LeaseModule],
  providers: [
    PreparedTools,
    RequestScrub,
    CallDecisions,
    CallEvents,
    CallStarts,
    OpenCallRegistry,
    CallDeparture,
    AnswerHeaders,
    CallArrival,
    Calls,
    CallRecords,
    AdmissionStatements,
    Admission,
    OpenCalls,
    UnknownCalls,
    CallRetention,
    AdmissionJobs,
    { provide: Resolver, useClass: SystemResolver },
    OwnAddresses,
    Destinations,
    OutboundPools,
    Outbound,
    Scrubber,
    ToolUse,
    HeldCredentials,
    HeldLeaseWatch,
    { provide: TokenEndpoint, useClass: OutboundTokenEndpoint },
    OAuthTokens,
    Injection,
    CostSums,
    UsageImports,
    CostReconciliation,
    ToolCatalogue,
    ToolPermissions,
    ToolsOfGrants,
    ToolDryRun,
    ToolFiles,
    CredentialPaths,
    KnownAccessors,
    ManagedHosts,
    EgressImport,
    EgressFindings,
    TokenLeases,
    LeaseUses,
    TellUses,
    VaultLog,
    VaultImport,
    AccountImport,
    LogCursors,
    FollowLogs,
    VaultSocket,
    ProviderUsageWatch,
    ShadowRetention,
    ShadowJobs,
    EgressPolicy,
  ],
  exports: [
    EgressImport,
    EgressFindings,
    VaultImport,
    AccountImport,
    LeaseUses,
    EgressPolicy,
    Calls,
    CallEvents,
    CallRecords,
    Admission,
    OpenCalls,
    Destinations,
    Outbound,
    Scrubber,
    HeldCredentials,
    Injection,
    CostSums,
    UsageImports,
    CostReconciliation,
    ToolCatalogue,
    ToolPermissions,
    ToolDryRun,
  ],
})
export class GatewayModule {}
