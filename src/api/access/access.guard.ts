import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { BrokerError } from '../../kernel/broker-error.js';
import type { RunIdentity } from '../../identity/run-token.js';
import type { VerifiedToken } from '../../identity/verified-token.js';
import { callerOf, type AdminIdentity, type ApiRequest, type Principal } from '../http/request.js';
import { ACCESS, WHOLE_LOG, type Access } from './access.js';
import { CallAccess } from '../gateway/call-access.js';
import { AccessEvents } from './access-events.js';
import { RunAccess } from './run-access.js';
import { Strategies } from './strategies.js';

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
    private readonly runAccess: RunAccess,
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
    if (access.kind === 'run-token') {
      await this.run(request, access.gateway);
      return true;
    }
    request.circumstances.principal = await this.refusalsRecorded(request, () =>
      this.principal(request, access.kind),
    );
    if (access.kind === 'roles') {
      const wholeLog = this.reflector.get<boolean | undefined>(WHOLE_LOG, context.getHandler()) === true;
      await this.authorise(request, access.roles, wholeLog);
    }
    return true;
  }

  /** The run that calls a route with `@RunToken()`; on one of the `gateway` a refusal is recorded as that of a call. */
  async run(request: ApiRequest, gateway: boolean): Promise<RunIdentity> {
    const identity = gateway
      ? await this.callAccess.authenticate(request)
      : await this.refusalsRecorded(request, () => this.runAccess.authenticate(request));
    request.circumstances.runRef = identity.runRef;
    request.circumstances.principal = { kind: 'run-token', identity };
    return identity;
  }

  private async refusalsRecorded<T>(request: ApiRequest, authenticate: () => Promise<T>): Promise<T> {
    try {
      return await authenticate();
    } catch (error) {
      if (error instanceof BrokerError && !error.retryable)
        await this.events.authenticationRefused(request, error);
      throw error;
    }
  }

  private async principal(request: ApiRequest, kind: 'workload' | 'roles'): Promise<Principal> {
    if (kind === 'workload')
      return { kind, token: await this.strategies.authenticate<VerifiedToken>('workload', request) };
    return { kind: 'admin', admin: await this.strategies.authenticate<AdminIdentity>('admin', request) };
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
