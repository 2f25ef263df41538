import type { AdminCalls, Filters, Page } from './admin-calls.js';
import { apiPath } from './api-request.js';
import type { LegalHoldBody, LegalHoldView, LogPartsView } from './api-types.js';

/** Holds on entries of the log, and what of the log is where: `/v1/legal-holds`, `/v1/audit/parts`. */
export class RetentionAdmin {
  constructor(private readonly calls: AdminCalls) {}

  list(filters: Filters = {}): Promise<Page<LegalHoldView>> {
    return this.calls.get('/v1/legal-holds', filters);
  }

  all(filters: Filters = {}): AsyncGenerator<LegalHoldView, void, undefined> {
    return this.calls.all('/v1/legal-holds', filters);
  }

  place(body: LegalHoldBody): Promise<LegalHoldView> {
    return this.calls.post('/v1/legal-holds', body);
  }

  lift(id: string, reason: string): Promise<LegalHoldView> {
    return this.calls.send({ method: 'DELETE', path: apiPath`/v1/legal-holds/${id}`, query: { reason } });
  }

  parts(): Promise<LogPartsView> {
    return this.calls.get('/v1/audit/parts');
  }
}
