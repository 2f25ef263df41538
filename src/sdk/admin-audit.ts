import type { AdminCalls, Filters, Page } from './admin-calls.js';
import type {
  AuditHeadView,
  AuditRecordView,
  LogKeysView,
  LogOriginsView,
  LogOriginView,
} from './api-types.js';

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

  /** The newest signed checkpoint, a C2SP signed note. */
  checkpoint(): Promise<string> {
    return this.calls.text('/log/checkpoint');
  }

  /** Every key that has signed the log, oldest first. */
  keys(): Promise<LogKeysView> {
    return this.calls.get('/log/keys');
  }

  /** The times that the log went on as a new one. */
  origins(): Promise<LogOriginsView> {
    return this.calls.get('/v1/audit/origins');
  }

  /** Lets the log go on as a new one, with a signed link to the former; for a restored or damaged database. */
  newOrigin(because: { readonly reason: string }): Promise<LogOriginView> {
    return this.calls.post('/v1/audit/origins', because);
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
