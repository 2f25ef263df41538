import { apiPath } from './api-request.js';
import type { AdminCalls, Filters, Page } from './admin-calls.js';
import type { BlockBody, BlockedView, BlockView, KillBody, RevocationProgressView } from './api-types.js';
import type { Because } from './admin-resources.js';

/** The kill switch and what was revoked together: `/v1/revocations`. */
export class RevocationsAdmin {
  constructor(private readonly calls: AdminCalls) {}

  list(filters: Filters = {}): Promise<Page<RevocationProgressView>> {
    return this.calls.get('/v1/revocations', filters);
  }

  all(filters: Filters = {}): AsyncGenerator<RevocationProgressView, void, undefined> {
    return this.calls.all('/v1/revocations', filters);
  }

  /** How far one is. */
  get(id: string): Promise<RevocationProgressView> {
    return this.calls.get(apiPath`/v1/revocations/${id}`);
  }

  /**
   * Kills, or with `dry_run` says what would end. Refused with `confirmation_required` when many leases would end: send
   * the error's `confirmation` back, with a reason.
   */
  kill(body: KillBody): Promise<RevocationProgressView> {
    return this.calls.post('/v1/revocations', body);
  }
}

/** Workloads, issuers and targets that are blocked: `/v1/blocks`. */
export class BlockAdmin {
  constructor(private readonly calls: AdminCalls) {}

  list(filters: Filters = {}): Promise<Page<BlockView>> {
    return this.calls.get('/v1/blocks', filters);
  }

  all(filters: Filters = {}): AsyncGenerator<BlockView, void, undefined> {
    return this.calls.all('/v1/blocks', filters);
  }

  create(body: BlockBody): Promise<BlockedView> {
    return this.calls.post('/v1/blocks', body);
  }

  lift(id: string, { reason }: Because = {}): Promise<BlockView> {
    return this.calls.send({ method: 'DELETE', path: apiPath`/v1/blocks/${id}`, query: { reason } });
  }
}
