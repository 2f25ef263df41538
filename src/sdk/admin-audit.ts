import type { AdminCalls, Filters, Page } from './admin-calls.js';
import type { AuditHeadView, AuditRecordView } from './api-types.js';

/** The audit log: `/v1/audit`. */
export class AuditAdmin {
  constructor(private readonly calls: AdminCalls) {}

  list(filters: Filters = {}): Promise<Page<AuditRecordView>> {
    return this.calls.get('/v1/audit/events', filters);
  }

  all(filters: Filters = {}): AsyncGenerator<AuditRecordView, void, undefined> {
    return this.calls.all('/v1/audit/events', filters);
  }

  /** The end of the log now. Keep it elsewhere: it proves later that nothing before it was changed. */
  head(): Promise<AuditHeadView> {
    return this.calls.get('/v1/audit/events/head');
  }

  /** The export as it comes; itself recorded in the log. */
  export(
    format: 'jsonl' | 'csv',
    filters: Filters = {},
    signal?: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>> {
    return this.calls.stream('/v1/audit/export', { ...filters, format }, signal);
  }
}
