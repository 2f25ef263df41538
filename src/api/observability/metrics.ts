import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';

const LATENCY_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The Prometheus metrics of one broker; a registry of its own, so that two brokers in a process stay apart. */
@Injectable()
export class Metrics {
  readonly registry = new Registry();

  readonly requests = new Histogram({
    name: 'leasegate_http_request_duration_seconds',
    help: 'Duration of answered requests, by route template.',
    labelNames: ['method', 'route', 'status'],
    buckets: LATENCY_BUCKETS_S,
    registers: [this.registry],
  });

  readonly decisions = new Counter({
    name: 'leasegate_decisions_total',
    help: 'Decisions by route template and code; `ok` is a success.',
    labelNames: ['route', 'code'],
    registers: [this.registry],
  });

  readonly vaultCalls = new Histogram({
    name: 'leasegate_vault_call_duration_seconds',
    help: 'Duration of calls to Vault, by operation and outcome.',
    labelNames: ['operation', 'outcome'],
    buckets: LATENCY_BUCKETS_S,
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry, prefix: 'leasegate_' });
  }
}
