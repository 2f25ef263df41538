import { DataSource, EntityManager } from 'typeorm';

/**
 * An open transaction. Operations that take one do their work inside it, so that a change and its
 * event are durable together or not at all. Never keep one beyond the callback that received it,
 * and never call Vault while one is open: its row locks would last as long as Vault takes.
 */
export type Tx = EntityManager;

/** Runs work in one READ COMMITTED transaction: committed when it resolves, rolled back when it throws. */
export abstract class Transactions {
  abstract run<T>(work: (tx: Tx) => Promise<T>): Promise<T>;

  /** Reads outside a transaction; a pool connection per query. */
  abstract readonly reads: EntityManager;
}

/** Transactions of the application's TypeORM data source. */
export class DataSourceTransactions extends Transactions {
  constructor(private readonly dataSource: DataSource) {
    super();
  }

  run<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    return this.dataSource.transaction('READ COMMITTED', work);
  }

  get reads(): EntityManager {
    return this.dataSource.manager;
  }
}
