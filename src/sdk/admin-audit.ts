import type { AdminCalls, Filters, Page } from './admin-calls.js';

/** One record of the log: its place, the event, and the hashes that tie it to the others. */
export interface AuditRecord {
  readonly index: number;
  readonly event: Readonly<Record<string, unknown>>;
  readonly leaf_hash: string;
  readonly chain_hash: string;
}

/** The end of the log at a moment. Keep it elsewhere: it proves later that nothing before it was changed. */
export interface AuditHead {
  readonly origin: string;
  readonly size: number;
  readonly chain_hash: string;
}

/** The audit log: `/v1/audit`. */
export class AuditAdmin {
  constructor(private readonly calls: AdminCalls) {}

  list(filters: Filters = {}): Promise<Page<AuditRecord>> {
    return this.calls.get('/v1/audit/events', filters);
  }

  all(filters: Filters = {}): AsyncGenerator<AuditRecord, void, undefined> {
    return this.calls.all('/v1/audit/events', filters);
  }

  head(): Promise<AuditHead> {
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
