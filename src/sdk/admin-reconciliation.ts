import { apiPath } from './api-request.js';
import type { AdminCalls, Filters, Page } from './admin-calls.js';
import type { Because } from './admin-resources.js';
import type { FindingView, HoldView, ReconciliationView } from './api-types.js';

/** Comparisons of the database with Vault and the targets: `/v1/reconciliations`. */
export class ReconciliationAdmin {
  constructor(private readonly calls: AdminCalls) {}

  /** Has the books compared; without `dryRun` all that is found is settled. Answers before it has begun. */
  start(options: Because & { readonly dryRun?: boolean } = {}): Promise<ReconciliationView> {
    const { dryRun = false, reason } = options;
    return this.calls.post('/v1/reconciliations', { dry_run: dryRun, reason });
  }

  list(filters: Filters = {}): Promise<Page<ReconciliationView>> {
    return this.calls.get('/v1/reconciliations', filters);
  }

  all(filters: Filters = {}): AsyncGenerator<ReconciliationView, void, undefined> {
    return this.calls.all('/v1/reconciliations', filters);
  }

  get(id: string): Promise<ReconciliationView> {
    return this.calls.get(apiPath`/v1/reconciliations/${id}`);
  }

  /** Every finding that is listed, as they are asked for. */
  findings(id: string): AsyncGenerator<FindingView, void, undefined> {
    return this.calls.all(apiPath`/v1/reconciliations/${id}/findings`, { limit: 200 });
  }

  abort(id: string): Promise<ReconciliationView> {
    return this.calls.post(apiPath`/v1/reconciliations/${id}/abort`);
  }
}

/** The hold on revocations, for a database or a Vault that was restored: `/v1/hold`. */
export class HoldAdmin {
  constructor(private readonly calls: AdminCalls) {}

  status(): Promise<HoldView> {
    return this.calls.get('/v1/hold');
  }

  set(because: Because = {}): Promise<HoldView> {
    return this.calls.post('/v1/hold', because);
  }

  /** Lets revocation go on; the reason is required. */
  release(because: { readonly reason: string }): Promise<HoldView> {
    return this.calls.post('/v1/hold/release', because);
  }
}
