import { Injectable } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import type { RunIdentity } from '../../identity/run-token.js';
import type { DirectRoute } from '../http/direct-routes.js';
import { callerOf, type ApiReply, type ApiRequest } from '../http/request.js';
import { SchemaPipe } from '../http/schema.pipe.js';
import { WorkerLeasesController } from './worker-leases.controller.js';
import { leaseBody, type LeaseBody } from './worker-schema.js';

const BODY = { type: 'body', schema: leaseBody } as const;

/** `POST /v1/leases`, served directly: the same schema, the same method of the controller. */
@Injectable()
export class DirectLeases implements DirectRoute {
  readonly url = '/v1/leases';
  readonly method = 'POST';
  readonly declaredBy = WorkerLeasesController;
  readonly declaredAs = ['issue'];
  readonly access = { kind: 'run-token', gateway: false } as const;
  readonly #schema = new SchemaPipe();
  #controller: WorkerLeasesController | undefined;

  constructor(private readonly modules: ModuleRef) {}

  /** Issues the lease that the body asks for. */
  async serve(identity: RunIdentity, request: ApiRequest, reply: ApiReply): Promise<void> {
    const body = await this.#schema.transform<LeaseBody>(request.body as LeaseBody, BODY);
    const key = request.headers['idempotency-key'] as string | undefined;
    // Nest hands controllers to nobody's constructor.
    const controller = (this.#controller ??=
      this.modules.get<WorkerLeasesController>(WorkerLeasesController));
    const view = await controller.issue(body, identity, callerOf(request), key, request, reply);
    void reply.code(201).send(view);
  }
}
