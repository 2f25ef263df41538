import { Injectable } from '@nestjs/common';
import type { FastifyRequest, RouteHandlerMethod, RouteOptions } from 'fastify';
import { ACCESS, type Access } from '../access/access.js';
import { callerOf, type ApiReply, type ApiRequest } from '../http/request.js';
import { ProblemFilter } from '../problem/problem.filter.js';
import { CallAccess } from './call-access.js';
import { ProviderCalls } from './provider-calls.js';
import { passProviderCall } from './provider-pass.js';
import { ProviderController } from './provider.controller.js';

const ROUTE = '/g/:provider/*';
const DECLARED = ['get', 'post', 'put', 'patch', 'delete'] as const;

/**
 * Serves the calls that SDKs of providers make without Nest's chain of guard, pipes, interceptors and filter: it asks
 * the same of the caller, does the same, and answers what is thrown in the same way, at half the cost. The routes are
 * those of {@link ProviderController}, with their access and their documentation.
 */
@Injectable()
export class DirectCalls {
  constructor(
    private readonly access: CallAccess,
    private readonly providerCalls: ProviderCalls,
    private readonly problems: ProblemFilter,
  ) {}

  /**
   * Takes a route over while it is being registered; leaves every other one alone. Throws when the controller asks
   * more, or something else, of its callers than is asked here.
   */
  takeOver(route: RouteOptions): void {
    if (route.url !== ROUTE) return;
    for (const name of DECLARED) {
      const declared = Object.getOwnPropertyDescriptor(ProviderController.prototype, name)?.value as object;
      const access = Reflect.getMetadata(ACCESS, declared) as Access | undefined;
      if (access?.kind !== 'run-token' || !access.gateway)
        throw new Error(`${ROUTE} declares another access than it is served with`);
    }
    route.handler = this.handler();
  }

  private handler(): RouteHandlerMethod {
    return (request: FastifyRequest, reply: ApiReply): void => {
      const { provider } = request.params as { readonly provider: string };
      // Where Nest's router differs from Fastify's: a parameter is never empty.
      if (provider === '') return void reply.callNotFound();
      this.serve(provider, request as ApiRequest, reply).catch((error: unknown) =>
        this.problems.answerWith(error, request as ApiRequest, reply),
      );
    };
  }

  private async serve(provider: string, request: ApiRequest, reply: ApiReply): Promise<void> {
    const identity = await this.access.authenticate(request);
    request.circumstances.runRef = identity.runRef;
    request.circumstances.principal = { kind: 'run-token', identity };
    await passProviderCall(this.providerCalls, provider, identity, callerOf(request), request, reply);
  }
}
