/** What TypeScript workers and tools import: `import { LeasegateClient } from 'leasegate'`. */
export { AdminClient, type AdminClientOptions } from './admin-client.js';
export type { Filters, Page } from './admin-calls.js';
export type { Because, GrantAction } from './admin-resources.js';
export type * from './api-types.js';
export {
  HeldCredential,
  type CredentialEvents,
  type Rotation,
  type RotationFailure,
} from './held-credential.js';
export { HeldLease, type LeaseEvents, type RenewalFailure } from './held-lease.js';
export {
  LeasegateClient,
  type CredentialOptions,
  type LeaseOptions,
  type LeasegateClientOptions,
} from './leasegate-client.js';
export {
  LeasegateError,
  hasErrorCode,
  type ClientErrorCode,
  type LeasegateErrorCode,
} from './leasegate-error.js';
export { ProofKey } from './proof-key.js';
export type { RetryPolicy } from './retry.js';
export type { RunToken, WantedRun } from './run-access.js';
export type { SecretData } from './secret-data.js';
export type { Surroundings } from './surroundings.js';
export {
  commandToken,
  environmentToken,
  fileToken,
  githubActionsToken,
  platformTokenSource,
  type TokenSource,
} from './token-sources.js';
export type { ToolAnswer, ToolArguments, ToolCallOptions } from './tool-call.js';
export {
  verifyExport,
  type ExpectedHead,
  type ExportProblem,
  type ExportVerification,
  type VerifyOptions,
  type VerifyProgress,
} from './verify-export.js';
export { verifyPath, type PathVerification, type VerifiedKind } from './verify-path.js';
