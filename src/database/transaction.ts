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

/** In one statement; `DataSource.transaction` sends the isolation level by itself, and waits for its answer. */
const BEGIN = 'START TRANSACTION ISOLATION LEVEL READ COMMITTED';

/** Transactions of the application's TypeORM data source. */
export class DataSourceTransactions extends Transactions {
  constructor(private readonly dataSource: DataSource) {
    super();
  }

  async run<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const runner = this.dataSource.createQueryRunner();
    try {
      await runner.query(BEGIN);
      const result = await work(runner.manager);
      await runner.query('COMMIT');
      return result;
    } catch (error) {
      // A connection that is gone has rolled back by itself; what went wrong first is what is told.
      await runner.query('ROLLBACK').catch(() => undefined);
      throw error;
    } finally {
      await runner.release();
    }
  }

  get reads(): EntityManager {
    return this.dataSource.manager;
  }
}
