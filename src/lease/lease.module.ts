import { Module } from '@nestjs/common';
import { CredentialModule } from '../credential/credential.module.js';
import { GrantModule } from '../grant/grant.module.js';
import { RunModule } from '../run/run.module.js';
import { LeaseEnd } from './end.js';
import { LeasesOfDisabledCredentials, LeasesOfEndedGrants, LeasesOfEndedRuns } from './endings.js';
import { LeaseExpiry } from './expire.js';
import { LeaseForget } from './forget.js';
import { DatabaseIdentity } from './database-identity.js';
import { RevocationHold } from './hold.js';
import { IssueQueue } from './issue-queue.js';
import { LeaseIssue } from './issue.js';
import { LeaseDecisions } from './lease-decisions.js';
import { LeaseFulfilment } from './lease-fulfilment.js';
import { LeaseJobs } from './lease-jobs.js';
import { LeaseMetrics } from './lease-metrics.js';
import { Blocks } from './kill/blocks.js';
import { Confirmations } from './kill/confirmation.js';
import { KillJobs } from './kill/kill-jobs.js';
import { KillSwitch } from './kill/kill-switch.js';
import { Marking } from './kill/marking.js';
import { KillPreviews } from './kill/preview.js';
import { Revocations } from './kill/revocations.js';
import { LeaseRecords } from './lease-records.js';
import { LeaseRefusals } from './lease-refusals.js';
import { Leases } from './leases.js';
import { MountLanes } from './mount-lanes.js';
import { CataloguePaths } from './reconcile/catalogue-paths.js';
import { Clocks } from './reconcile/clocks.js';
import { IssuingReconciliation } from './reconcile/issuing-rows.js';
import { LiveRows } from './reconcile/live-rows.js';
import { ReconcileJobs } from './reconcile/reconcile-jobs.js';
import { Reconcile } from './reconcile/reconcile.js';
import { ReconciliationQueue } from './reconcile/reconciliation-queue.js';
import { Reconciliations } from './reconcile/reconciliations.js';
import { Settlement } from './reconcile/settlement.js';
import { TargetComparison } from './reconcile/target-comparison.js';
import { TokenComparison } from './reconcile/token-comparison.js';
import { VaultComparison } from './reconcile/vault-comparison.js';
import { LeaseRenewal } from './renew.js';
import { Retention } from './retention.js';
import { LeaseRetry } from './retry.js';
import { RevocationAttempts } from './revocation-attempts.js';
import { RevocationClaims } from './revocation-claims.js';
import { RevocationLag } from './revocation-lag.js';
import { RevocationOutcomes } from './revocation-outcomes.js';
import { RevocationRequests } from './revocation-requests.js';
import { Revoker } from './revoker.js';
import { Supersession } from './supersession.js';
import { VaultRevocation } from './vault-revocation.js';

const SERVICES = [
  IssueQueue,
  LeaseIssue,
  LeaseDecisions,
  LeaseRenewal,
  LeaseEnd,
  LeaseRetry,
  LeaseForget,
  Leases,
  LeaseExpiry,
  LeaseMetrics,
  Revoker,
  Revocations,
  KillSwitch,
  Blocks,
  RevocationHold,
  Reconcile,
  Reconciliations,
  Clocks,
  Retention,
];

/** Leases from request to proved end. Needs a `CredentialSource`, which only the application binds. */
@Module({
  imports: [CredentialModule, GrantModule, RunModule],
  providers: [
    ...SERVICES,
    DatabaseIdentity,
    LeaseRefusals,
    LeaseRecords,
    LeaseFulfilment,
    Supersession,
    RevocationRequests,
    RevocationClaims,
    RevocationOutcomes,
    RevocationLag,
    RevocationAttempts,
    VaultRevocation,
    MountLanes,
    Marking,
    Confirmations,
    KillPreviews,
    KillJobs,
    LeasesOfEndedRuns,
    LeasesOfEndedGrants,
    LeasesOfDisabledCredentials,
    IssuingReconciliation,
    CataloguePaths,
    LiveRows,
    VaultComparison,
    TokenComparison,
    TargetComparison,
    Settlement,
    ReconciliationQueue,
    ReconcileJobs,
    LeaseJobs,
  ],
  exports: SERVICES,
})
export class LeaseModule {}
