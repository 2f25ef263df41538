import type { AdminCalls, Filters, Page } from './admin-calls.js';
import { apiPath } from './api-request.js';
import type {
  AuditCountView,
  AuditHeadView,
  AuditHistogramView,
  AuditRecordView,
  ExportManifestView,
  HeldView,
  LogKeysView,
  LogOriginsView,
  LogOriginView,
  ScheduledExportView,
  StoryView,
} from './api-types.js';

/** Who held what: `/v1/audit/held`. */
export class HoldAdmin {
  constructor(private readonly calls: AdminCalls) {}

  /** A page, the latest first. Name a credential, account, accessor, serial, lease or run. */
  list(filters: Filters): Promise<Page<HeldView>> {
    return this.calls.get('/v1/audit/held', filters);
  }

  all(filters: Filters): AsyncGenerator<HeldView, void, undefined> {
    return this.calls.all('/v1/audit/held', filters);
  }
}

/** An export that has begun. */
export interface StartedExport {
  readonly body: ReadableStream<Uint8Array>;
  readonly exportId: string;
  /** The part of the log that it covers; with filters, not each entry of it. */
  readonly fromIndex: number;
  readonly toIndex: number;
}

/** The audit log: `/v1/audit`. */
export class AuditAdmin {
  readonly holds: HoldAdmin;

  constructor(private readonly calls: AdminCalls) {
    this.holds = new HoldAdmin(calls);
  }

  list(filters: Filters = {}): Promise<Page<AuditRecordView>> {
    return this.calls.get('/v1/audit/events', filters);
  }

  all(filters: Filters = {}): AsyncGenerator<AuditRecordView, void, undefined> {
    return this.calls.all('/v1/audit/events', filters);
  }

  /** How many events there are. */
  count(filters: Filters = {}): Promise<AuditCountView> {
    return this.calls.get('/v1/audit/count', filters);
  }

  /** How many events there were over time; of the last day unless told. */
  histogram(filters: Filters = {}): Promise<AuditHistogramView> {
    return this.calls.get('/v1/audit/histogram', filters);
  }

  /** A page of the story of a run, by its id here or at the platform. */
  story(run: string, filters: Filters = {}): Promise<StoryView> {
    return this.calls.get(apiPath`/v1/audit/runs/${run}/story`, filters);
  }

  /** The whole story, page by page. */
  async *stories(run: string): AsyncGenerator<StoryView, void, undefined> {
    let cursor: string | undefined;
    let name = run;
    do {
      const page = await this.story(name, { limit: 200, cursor });
      yield page;
      // Another run that takes the same name meanwhile does not change whose story this is.
      name = page.run.run_ref;
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
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
    format: 'jsonl' | 'csv' | 'parquet' | 'ocsf' | 'cef',
    filters: Filters & { readonly compression?: 'gzip' | 'zstd' | undefined } = {},
    signal?: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>> {
    return this.calls.stream('/v1/audit/export', { ...filters, format }, signal);
  }

  /** Scheduled exports, on one page. */
  exports(): Promise<Page<ScheduledExportView>> {
    return this.calls.get('/v1/exports');
  }

  /** As {@link export}, with what the answer says about it. */
  async exported(
    format: 'jsonl' | 'csv' | 'parquet' | 'ocsf' | 'cef',
    filters: Filters = {},
    signal?: AbortSignal,
  ): Promise<StartedExport> {
    const { body, headers } = await this.calls.streamed('/v1/audit/export', { ...filters, format }, signal);
    const [from, to] = (headers.get('leasegate-export-range') ?? '').split('-').map(Number);
    return {
      body,
      exportId: headers.get('leasegate-export-id') ?? '',
      fromIndex: from ?? 0,
      toIndex: to ?? 0,
    };
  }

  /** What a finished export was, proved by the log; refused with `not_found` until the log has its end. */
  manifest(exportId: string): Promise<ExportManifestView> {
    return this.calls.get(apiPath`/v1/audit/exports/${exportId}/manifest`);
  }

  /** The signed log as a tar file of the layout that public tools read; itself recorded in the log. */
  bundle(
    range: { readonly from_index?: string | undefined; readonly to_index?: string | undefined } = {},
    signal?: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>> {
    return this.calls.stream('/v1/audit/bundle', range, signal, 'application/x-tar');
  }
}
