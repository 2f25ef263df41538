import { Module } from '@nestjs/common';
import { AdminStrategy } from './admin.strategy.js';
import { Authentication } from './authentication.js';
import { ProofVerifier } from './dpop.js';
import { DriftWatch } from './drift-watch.js';
import { GuardedFetch } from './guarded-fetch.js';
import { IssuerKeys } from './issuer-keys.js';
import { IssuerQuota } from './issuer-quota.js';
import { IssuerRegistry } from './issuer-registry.js';
import { RunTokenStrategy } from './run-token.strategy.js';
import { RunTokens } from './run-tokens.js';
import { SigningKeys } from './signing-key.js';
import { TokenUses } from './token-uses.js';
import { TokenVerifier } from './token-verifier.js';
import { VerificationKeys } from './verification-keys.js';
import { WorkloadStrategy } from './workload.strategy.js';

const SERVICES = [
  AdminStrategy,
  Authentication,
  GuardedFetch,
  IssuerKeys,
  IssuerRegistry,
  ProofVerifier,
  RunTokenStrategy,
  RunTokens,
  TokenUses,
  TokenVerifier,
  WorkloadStrategy,
];

/** Who calls: OIDC tokens of configured issuers, run tokens of ours, proofs of possession. */
@Module({
  providers: [...SERVICES, DriftWatch, IssuerQuota, SigningKeys, VerificationKeys],
  exports: SERVICES,
})
export class IdentityModule {}
