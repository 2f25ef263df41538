import { Injectable } from '@nestjs/common';
import pLimit from 'p-limit';
import { Transactions, type Tx } from '../database/transaction.js';

/** Connections of the pool that all sinks of a replica take together. */
const CONNECTIONS = 2;

/** The database as sinks see it: however many there are, requests keep nearly all of the pool. */
@Injectable()
export class SinkDatabase {
  readonly #limit = pLimit(CONNECTIONS);

  constructor(private readonly transactions: Transactions) {}

  /** One statement. */
  query<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return this.#limit(() => this.transactions.reads.query<Row[]>(text, [...values]));
  }

  /** One transaction. */
  run<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.#limit(() => this.transactions.run(work));
  }
}
