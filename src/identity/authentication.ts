import { Injectable } from '@nestjs/common';
import type { AuditReach } from '../audit/audit-reach.js';
import type { Role } from '../kernel/caller.js';
import { auditReachOf, rolesOf } from './admin-roles.js';
import { bearerToken, type RequestWithHeaders } from './bearer.js';
import { IssuerRegistry } from './issuer-registry.js';
import type { RunIdentity } from './run-token.js';
import { RunTokens } from './run-tokens.js';
import { TokenVerifier } from './token-verifier.js';
import type { VerifiedToken } from './verified-token.js';

/** A person or an automation on the admin API. */
export interface Admin {
  readonly token: VerifiedToken;
  /** May be empty: then it is somebody we know and who may do nothing. */
  readonly roles: readonly Role[];
  /** What of the audit log they may read, if their roles let them read it at all. */
  readonly auditReach: AuditReach;
}

/** Finds out who makes a request, from its bearer token. Without passport; the strategies only call it. */
@Injectable()
export class Authentication {
  constructor(
    private readonly verifier: TokenVerifier,
    private readonly runTokens: RunTokens,
    private readonly registry: IssuerRegistry,
  ) {}

  /** The workload behind an OIDC token; throws the codes of {@link TokenVerifier}. */
  async workload(request: RequestWithHeaders): Promise<VerifiedToken> {
    return this.verifier.verify(bearerToken(request), 'workload');
  }

  /** The admin behind an OIDC token, with the roles that its claims give. */
  async admin(request: RequestWithHeaders): Promise<Admin> {
    const token = await this.verifier.verify(bearerToken(request), 'admin');
    const issuer = this.registry.byName(token.issuerName);
    if (issuer === undefined) return { token, roles: [], auditReach: [] };
    return { token, roles: rolesOf(token, issuer), auditReach: auditReachOf(token, issuer) };
  }

  /** The run behind a run token. A bound one is not proved yet: see {@link RunTokens.verify}. */
  async run(request: RequestWithHeaders): Promise<RunIdentity> {
    return this.runTokens.verify(bearerToken(request));
  }
}
