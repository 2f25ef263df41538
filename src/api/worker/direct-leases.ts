import { Injectable } from '@nestjs/common';
import type { RouteHandlerMethod, RouteOptions } from 'fastify';
import { ACCESS, type Access } from '../access/access.js';
import { AccessGuard } from '../access/access.guard.js';
import { callerOf, type ApiReply, type ApiRequest } from '../http/request.js';
import { SchemaPipe } from '../http/schema.pipe.js';
import { ProblemFilter } from '../problem/problem.filter.js';
import { WorkerLeasesController } from './worker-leases.controller.js';
import { leaseBody, type LeaseBody } from './worker-schema.js';

const ROUTE = '/v1/leases';
const BODY = { type: 'body', schema: leaseBody } as const;

/**
 * Serves `POST /v1/leases` without Nest's chain: the same guard, the same schema, the same method of the controller,
 * the same answers. What it declares for itself is what is asked here.
 */
@Injectable()
export class DirectLeases {
  private readonly schema = new SchemaPipe();

  constructor(
    private readonly guard: AccessGuard,
    private readonly problems: ProblemFilter,
  ) {}

  /**
   * Takes the route over while it is being registered; leaves every other one alone. Throws when the controller asks
   * something else of its callers than is asked here.
   */
  takeOver(route: RouteOptions, controllerOf: () => WorkerLeasesController): void {
    if (route.url !== ROUTE || route.method !== 'POST') return;
    const declared = Object.getOwnPropertyDescriptor(WorkerLeasesController.prototype, 'issue')
      ?.value as object;
    const access = Reflect.getMetadata(ACCESS, declared) as Access | undefined;
    if (access?.kind !== 'run-token' || access.gateway)
      throw new Error(`${ROUTE} declares another access than it is served with`);
    route.handler = this.handler(controllerOf());
  }

  private handler(controller: WorkerLeasesController): RouteHandlerMethod {
    return (request, reply): void => {
      this.serve(controller, request as ApiRequest, reply).catch((error: unknown) =>
        this.problems.answerWith(error, request as ApiRequest, reply),
      );
    };
  }

  private async serve(
    controller: WorkerLeasesController,
    request: ApiRequest,
    reply: ApiReply,
  ): Promise<void> {
    const identity = await this.guard.run(request);
    const body = await this.schema.transform<LeaseBody>(request.body as LeaseBody, BODY);
    const key = request.headers['idempotency-key'] as string | undefined;
    const view = await controller.issue(body, identity, callerOf(request), key, request, reply);
    void reply.code(201).send(view);
  }
}
