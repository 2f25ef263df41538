/** What TypeScript workers and tools import: `import { LeasegateClient } from 'leasegate'`. */
export { AdminClient, type AdminClientOptions, type WhoAmI } from './admin-client.js';
export type { AuditHead, AuditRecord } from './admin-audit.js';
export type { Filters, Page } from './admin-calls.js';
export type { Because, ExplainRequest, GrantAction, Spec } from './admin-resources.js';
export type { CredentialView, GrantView, LeaseView, RunView } from './api-types.js';
export { HeldLease, type LeaseEvents, type RenewalFailure } from './held-lease.js';
export {
  LeasegateClient,
  type LeaseOptions,
  type LeasegateClientOptions,
  type RunEnd,
} from './leasegate-client.js';
export { LeasegateError, hasErrorCode, type ClientErrorCode } from './leasegate-error.js';
export { ProofKey } from './proof-key.js';
export type { RetryPolicy } from './retry.js';
export type { RunToken, WantedRun } from './run-access.js';
export type { SecretData } from './secret-data.js';
export type { Surroundings } from './surroundings.js';
export {
  environmentToken,
  fileToken,
  githubActionsToken,
  platformTokenSource,
  type TokenSource,
} from './token-sources.js';
