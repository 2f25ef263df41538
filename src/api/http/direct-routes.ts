import { Injectable } from '@nestjs/common';
import type { RouteHandlerMethod, RouteOptions } from 'fastify';
import { isDeepStrictEqual } from 'node:util';
import { ACCESS, type Access } from '../access/access.js';
import { AccessGuard } from '../access/access.guard.js';
import { Log } from '../../kernel/log.js';
import { safeErrorFields } from '../../kernel/safe-error.js';
import { ProblemFilter } from '../problem/problem.filter.js';
import type { RunIdentity } from '../../identity/run-token.js';
import type { ApiReply, ApiRequest } from './request.js';

/** A route for runs that is asked so often that the framework's share of a request would show. */
export interface DirectRoute {
  readonly url: string;
  /** The one method that is taken over; every one when there is none. */
  readonly method?: string;
  /** The class that declares it, with its access and its documentation, and the names of its methods there. */
  readonly declaredBy: { readonly prototype: object };
  readonly declaredAs: readonly string[];
  readonly access: Extract<Access, { readonly kind: 'run-token' }>;
  /** Answers a request of that run; what it throws is answered as anywhere else. */
  serve(identity: RunIdentity, request: ApiRequest, reply: ApiReply): Promise<void>;
}

/**
 * Serves routes without Nest's chain of guard, pipes, interceptors and filter, at half the cost: the caller is asked for
 * the same by the same guard, and what is thrown is answered in the same way.
 */
@Injectable()
export class DirectRoutes {
  constructor(
    private readonly guard: AccessGuard,
    private readonly problems: ProblemFilter,
    private readonly log: Log,
  ) {}

  /**
   * Takes a route over while it is being registered; leaves every other one alone. Throws when the controller asks
   * something else of its callers than is asked here.
   */
  takeOver(route: RouteOptions, direct: DirectRoute): void {
    if (route.url !== direct.url || (direct.method !== undefined && route.method !== direct.method)) return;
    for (const name of direct.declaredAs) {
      const declared = Object.getOwnPropertyDescriptor(direct.declaredBy.prototype, name)?.value as object;
      if (!isDeepStrictEqual(Reflect.getMetadata(ACCESS, declared), direct.access))
        throw new Error(`${route.url} declares another access than it is served with`);
    }
    route.handler = this.handler(direct);
  }

  private handler(direct: DirectRoute): RouteHandlerMethod {
    return (request, reply): void => {
      this.guard
        .run(request as ApiRequest, direct.access.gateway)
        .then((identity) => direct.serve(identity, request as ApiRequest, reply))
        .catch((error: unknown) => this.problems.answerWith(error, request as ApiRequest, reply))
        // Nobody else waits for it: an answer that cannot be written ends its connection, and not the broker.
        .catch((error: unknown) => {
          this.log.error(
            { request_id: request.id, ...safeErrorFields(error) },
            'an answer could not be written',
          );
          reply.raw.destroy();
        });
    };
  }
}
