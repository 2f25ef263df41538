import { apiPath } from './api-request.js';
import type { AdminCalls, Filters, Page } from './admin-calls.js';
import type { DeadLetterView, SinkRetryView, SinkView } from './api-types.js';

/** Sinks: `/v1/sinks`. */
export class SinkAdmin {
  constructor(private readonly calls: AdminCalls) {}

  /** All of them, on one page. */
  list(): Promise<Page<SinkView>> {
    return this.calls.get('/v1/sinks');
  }

  /** What a sink would not take. */
  letters(name: string): {
    list(filters?: Filters): Promise<Page<DeadLetterView>>;
    all(filters?: Filters): AsyncGenerator<DeadLetterView, void, undefined>;
  } {
    const path = apiPath`/v1/sinks/${name}/dead-letters`;
    return {
      list: (filters = {}) => this.calls.get(path, filters),
      all: (filters = {}) => this.calls.all(path, filters),
    };
  }

  /** Tries a sink again at once, with the dead letters that are named, or all. */
  retry(name: string, letters?: readonly string[]): Promise<SinkRetryView> {
    return this.calls.post(apiPath`/v1/sinks/${name}/retry`, letters === undefined ? {} : { letters });
  }
}
