import { Injectable } from '@nestjs/common';
import type { RunIdentity } from '../../identity/run-token.js';
import type { DirectRoute } from '../http/direct-routes.js';
import { callerOf, type ApiReply, type ApiRequest } from '../http/request.js';
import { ProviderCalls } from './provider-calls.js';
import { passProviderCall } from './provider-pass.js';
import { ProviderController } from './provider.controller.js';

/** The calls that SDKs of providers make: the routes of {@link ProviderController}, served directly. */
@Injectable()
export class DirectCalls implements DirectRoute {
  readonly url = '/g/:provider/*';
  readonly declaredBy = ProviderController;
  readonly declaredAs = ['get', 'post', 'put', 'patch', 'delete'];
  readonly access = { kind: 'run-token', gateway: true } as const;

  constructor(private readonly providerCalls: ProviderCalls) {}

  /** Makes the call. A path without a provider is not found: Fastify's router lets a parameter be empty, Nest's does not. */
  async serve(identity: RunIdentity, request: ApiRequest, reply: ApiReply): Promise<void> {
    const { provider } = request.params as { readonly provider: string };
    if (provider === '') return void reply.callNotFound();
    await passProviderCall(this.providerCalls, provider, identity, callerOf(request), request, reply);
  }
}
