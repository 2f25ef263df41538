import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { BrokerError } from '../../kernel/broker-error.js';
import { Authentication } from '../../identity/authentication.js';
import type { RunIdentity } from '../../identity/run-token.js';
import type { VerifiedToken } from '../../identity/verified-token.js';
import { callerOf, type AdminIdentity, type ApiRequest, type Principal } from '../http/request.js';
import { ACCESS, WHOLE_LOG, type Access } from './access.js';
import { CallAccess } from '../gateway/call-access.js';
import { AccessEvents } from './access-events.js';
import { Strategies } from './strategies.js';
import { SenderProof } from './sender-proof.js';

/**
 * Lets a request through to its route, or not. A route that declares no access is refused like one that does not
 * exist: forgetting a decorator closes a door, it never opens one. A refusal is recorded before it is answered; an
 * outage or a quota is not one, and a flood of those must not fill the log.
 */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly strategies: Strategies,
    private readonly authentication: Authentication,
    private readonly senderProof: SenderProof,
    private readonly callAccess: CallAccess,
    private readonly events: AccessEvents,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<ApiRequest>();
    const access = this.reflector.get<Access | undefined>(ACCESS, context.getHandler());
    if (access === undefined)
      throw new BrokerError('not_found', { internal: `${context.getHandler().name} declares no access` });
    if (access.kind === 'public') {
      request.circumstances.principal = { kind: 'anonymous' };
      return true;
    }
    if (access.kind === 'run-token' && access.gateway) {
      this.isRun(request, await this.callAccess.authenticate(request));
      return true;
    }
    request.circumstances.principal = await this.authenticated(request, access.kind);
    if (access.kind === 'roles') {
      const wholeLog = this.reflector.get<boolean | undefined>(WHOLE_LOG, context.getHandler()) === true;
      await this.authorise(request, access.roles, wholeLog);
    }
    return true;
  }

  /** The run that calls, for a route that is served without Nest's chain; as on any other with `@RunToken()`. */
  async run(request: ApiRequest): Promise<RunIdentity> {
    const principal = await this.authenticated(request, 'run-token');
    if (principal.kind !== 'run-token') throw new Error('a run token that names no run');
    return principal.identity;
  }

  private async authenticated(
    request: ApiRequest,
    kind: Exclude<Access['kind'], 'public'>,
  ): Promise<Principal> {
    try {
      return await this.principal(request, kind);
    } catch (error) {
      if (error instanceof BrokerError && !error.retryable)
        await this.events.authenticationRefused(request, error);
      throw error;
    }
  }

  private async principal(request: ApiRequest, kind: Exclude<Access['kind'], 'public'>): Promise<Principal> {
    switch (kind) {
      case 'run-token': {
        const identity = await this.authentication.run(request);
        await this.senderProof.check(request, identity);
        return this.isRun(request, identity);
      }
      case 'workload':
        return { kind, token: await this.strategies.authenticate<VerifiedToken>('workload', request) };
      case 'roles': {
        const admin = await this.strategies.authenticate<AdminIdentity>('admin', request);
        return { kind: 'admin', admin };
      }
    }
  }

  private isRun(request: ApiRequest, identity: RunIdentity): Principal {
    request.circumstances.runRef = identity.runRef;
    return (request.circumstances.principal = { kind: 'run-token', identity });
  }

  private async authorise(request: ApiRequest, needed: readonly string[], wholeLog: boolean): Promise<void> {
    const principal = request.circumstances.principal;
    if (principal?.kind !== 'admin') throw new BrokerError('role_required');
    const { admin } = principal;
    await this.events.authenticated(callerOf(request), admin);
    if (!admin.roles.some((role) => needed.includes(role))) {
      await this.events.authorizationRefused(request, needed);
      throw new BrokerError('role_required', { detail: `needs one of: ${needed.join(', ')}` });
    }
    if (wholeLog && admin.auditReach !== 'everything') {
      await this.events.authorizationRefused(request, needed);
      throw new BrokerError('role_required', {
        detail: 'you may read a part of the log, and this is all of it',
      });
    }
  }
}
