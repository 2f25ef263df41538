import { Injectable } from '@nestjs/common';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

const LATENCY_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const ADDED_BUCKETS_S = [0.000_25, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5];
const GROUP_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256];

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

  readonly calls = new Histogram({
    name: 'leasegate_call_duration_seconds',
    help: 'Duration of calls of tools until their last byte, by tool and code; `ok` is a success.',
    labelNames: ['tool', 'code'],
    buckets: LATENCY_BUCKETS_S,
    registers: [this.registry],
  });

  readonly callAdded = new Histogram({
    name: 'leasegate_call_added_seconds',
    help: 'What the gateway takes of a call until its request leaves.',
    buckets: ADDED_BUCKETS_S,
    registers: [this.registry],
  });

  readonly openCalls = new Gauge({
    name: 'leasegate_open_calls',
    help: 'Calls of tools that are open in this process.',
    registers: [this.registry],
  });

  readonly callGroups = new Histogram({
    name: 'leasegate_call_group_size',
    help: 'Calls that one statement admitted or completed.',
    labelNames: ['statement'],
    buckets: GROUP_BUCKETS,
    registers: [this.registry],
  });

  constructor() {
    collectDefaultMetrics({ register: this.registry, prefix: 'leasegate_' });
  }
}
