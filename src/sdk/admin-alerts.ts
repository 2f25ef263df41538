import { apiPath } from './api-request.js';
import type { AdminCalls, Filters, Page } from './admin-calls.js';
import type {
  AlertDetailView,
  AlertRuleView,
  AlertTestView,
  AlertView,
  SilenceBody,
  SilenceView,
} from './api-types.js';

/** Alerts: `/v1/alerts`. */
export class AlertAdmin {
  constructor(private readonly calls: AdminCalls) {}

  list(filters: Filters = {}): Promise<Page<AlertView>> {
    return this.calls.get('/v1/alerts', filters);
  }

  all(filters: Filters = {}): AsyncGenerator<AlertView, void, undefined> {
    return this.calls.all('/v1/alerts', filters);
  }

  /** An alert, and who was told of it. */
  get(id: string): Promise<AlertDetailView> {
    return this.calls.get(apiPath`/v1/alerts/${id}`);
  }

  rules(): Promise<Page<AlertRuleView>> {
    return this.calls.get('/v1/alerts/rules');
  }

  /** Sends a test to a channel, to those of a rule, or to all. */
  test(wanted: {
    readonly rule?: string | undefined;
    readonly channel?: string | undefined;
  }): Promise<AlertTestView> {
    return this.calls.post('/v1/alerts/test', wanted);
  }
}

/** Silences: `/v1/alerts/silences`. */
export class SilenceAdmin {
  constructor(private readonly calls: AdminCalls) {}

  list(filters: Filters = {}): Promise<Page<SilenceView>> {
    return this.calls.get('/v1/alerts/silences', filters);
  }

  all(filters: Filters = {}): AsyncGenerator<SilenceView, void, undefined> {
    return this.calls.all('/v1/alerts/silences', filters);
  }

  create(silence: SilenceBody): Promise<SilenceView> {
    return this.calls.post('/v1/alerts/silences', silence);
  }

  end(id: string): Promise<SilenceView> {
    return this.calls.post(apiPath`/v1/alerts/silences/${id}/end`);
  }
}
