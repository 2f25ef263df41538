import { Injectable } from '@nestjs/common';
import { Gauge } from 'prom-client';
import type { FairQueue } from '../../kernel/fair-queue.js';
import { IssueQueue } from '../../lease/issue-queue.js';
import { ExchangeQueue } from '../../run/exchange-queue.js';
import { Metrics } from './metrics.js';

/** What waits in this process, and what it refused because too much did. Read when Prometheus asks. */
@Injectable()
export class QueueGauges {
  constructor({ registry }: Metrics, issue: IssueQueue, exchange: ExchangeQueue) {
    const queues: readonly (readonly [string, FairQueue])[] = [
      ['issue', issue],
      ['exchange_verify', exchange.verifying],
      ['exchange_open', exchange.opening],
    ];
    const registers = [registry];
    new Gauge({
      name: 'leasegate_queue_waiting',
      help: 'Requests that wait for their turn in this process.',
      labelNames: ['queue'],
      registers,
      collect() {
        for (const [queue, { waiting }] of queues) this.set({ queue }, waiting);
      },
    });
    new Gauge({
      name: 'leasegate_queue_running',
      help: 'Requests whose turn it is in this process.',
      labelNames: ['queue'],
      registers,
      collect() {
        for (const [queue, { running }] of queues) this.set({ queue }, running);
      },
    });
    // A gauge, since what is counted in the queue cannot be set on a counter. It grows until the process ends.
    new Gauge({
      name: 'leasegate_queue_refused',
      help: 'Requests that were refused before their turn since this process began, by code.',
      labelNames: ['queue', 'code'],
      registers,
      collect() {
        for (const [queue, { refused }] of queues)
          for (const [code, count] of Object.entries(refused)) this.set({ queue, code }, count);
      },
    });
  }
}
