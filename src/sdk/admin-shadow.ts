import type { AdminCalls, Filters, Page } from './admin-calls.js';
import type { ShadowEgressView, ShadowImportView } from './api-types.js';

const LOG_TYPE = 'text/x-log';

/** What goes around: `/v1/shadow`. */
export class ShadowAdmin {
  constructor(private readonly calls: AdminCalls) {}

  list(filters: Filters = {}): Promise<Page<ShadowEgressView>> {
    return this.calls.get('/v1/shadow/egress', filters);
  }

  all(filters: Filters = {}): AsyncGenerator<ShadowEgressView, void, undefined> {
    return this.calls.all('/v1/shadow/egress', filters);
  }

  /** Sends lines of a log of what leaves the network. The same text again is counted once. */
  importEgress(format: string, text: string): Promise<ShadowImportView> {
    return this.calls.send({
      method: 'POST',
      path: '/v1/shadow/egress',
      query: { format },
      records: { mediaType: LOG_TYPE, text },
    });
  }

  /** Sends lines of a PostgreSQL target with `log_connections`. */
  importPostgresLog(text: string, mount?: string): Promise<ShadowImportView> {
    return this.calls.send({
      method: 'POST',
      path: '/v1/shadow/postgres-log',
      query: { mount },
      records: { mediaType: LOG_TYPE, text },
    });
  }

  /** Sends lines of a Vault audit device; that of the broker's settings unless named. */
  importVaultAudit(text: string, device?: string): Promise<ShadowImportView> {
    return this.calls.send({
      method: 'POST',
      path: '/v1/shadow/vault-audit',
      query: { device },
      records: { mediaType: LOG_TYPE, text },
    });
  }
}

/** Egress policies: `/v1/egress`. */
export class EgressAdmin {
  constructor(private readonly calls: AdminCalls) {}

  /** A policy as text, made from the enabled tools. */
  policy(query: Filters): Promise<ReadableStream<Uint8Array>> {
    return this.calls.stream('/v1/egress/policy', query);
  }
}
