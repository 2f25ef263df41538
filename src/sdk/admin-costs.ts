import type { AdminCalls, Filters, Page } from './admin-calls.js';

/** What costs can be summed by. */
export type CostGrouping = 'run' | 'step' | 'grant' | 'tool' | 'workload' | 'day';

/** Costs of one group; the members that name the group are there, the others are not. */
export interface CostSum {
  readonly day?: string;
  readonly run?: { readonly ref: string; readonly run_id: string };
  readonly step_id?: string;
  readonly grant?: { readonly id: string; readonly name: string | null };
  readonly tool?: string;
  readonly workload?: { readonly issuer: string; readonly subject: string };
  readonly calls: number;
  readonly unknown_calls: number;
  /** Millionths of the currency in which tools have their prices. */
  readonly cost_micros: number;
  readonly request_bytes: number;
  readonly response_bytes: number;
  readonly units: Readonly<Record<string, number>>;
}

/** Our sum and a provider's, for one day and key. */
export interface ReconciledCosts {
  readonly day: string;
  readonly key: string;
  readonly source: string | null;
  readonly state: 'match' | 'difference' | 'unreported';
  readonly calls: number;
  readonly ours_micros: number;
  readonly theirs_micros: number | null;
  readonly difference_micros: number | null;
}

/** What became of an import of a provider's usage. */
export interface UsageImport {
  readonly rows: number;
  readonly changed: number;
  readonly differences: number;
}

/** What calls cost: `/v1/costs`. */
export class CostAdmin {
  constructor(private readonly calls: AdminCalls) {}

  list(filters: Filters & { readonly by: CostGrouping }): Promise<Page<CostSum>> {
    return this.calls.get('/v1/costs', filters);
  }

  all(filters: Filters & { readonly by: CostGrouping }): AsyncGenerator<CostSum, void, undefined> {
    return this.calls.all('/v1/costs', filters);
  }

  /** All groups, as CSV. */
  csv(
    filters: Filters & { readonly by: CostGrouping },
    signal?: AbortSignal,
  ): Promise<ReadableStream<Uint8Array>> {
    return this.calls.stream('/v1/costs', filters, signal, 'text/csv');
  }

  /** Takes in what a provider says that its keys came to: JSON Lines or CSV. */
  importUsage(
    text: string,
    format: 'jsonl' | 'csv',
    options: { readonly source?: string | undefined } = {},
  ): Promise<UsageImport> {
    const mediaType = format === 'csv' ? 'text/csv' : 'application/x-ndjson';
    const query = { source: options.source };
    return this.calls.send({
      method: 'POST',
      path: '/v1/costs/imports',
      query,
      records: { mediaType, text },
    });
  }

  /** Day by day and key by key, what we sent and what the provider says. */
  reconciliation(filters: Filters = {}): Promise<Page<ReconciledCosts>> {
    return this.calls.get('/v1/costs/reconciliation', filters);
  }

  /** Every day and key of {@link reconciliation}. */
  allReconciled(filters: Filters = {}): AsyncGenerator<ReconciledCosts, void, undefined> {
    return this.calls.all('/v1/costs/reconciliation', filters);
  }
}
