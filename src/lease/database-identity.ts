import { Injectable } from '@nestjs/common';
import type { Tx } from '../database/transaction.js';
import { Clock } from '../kernel/clock.js';

/**
 * Where this database lives: the cluster that initdb made, and the database's number in it. A dump that is restored,
 * and a base backup that is not of this cluster, come out with another; a cluster whose files were put back, and a
 * standby that took over, keep it.
 */
const IDENTITY = `SELECT system_identifier::text || '/' || (SELECT oid::text FROM pg_catalog.pg_database WHERE datname = current_database()) AS identity
  FROM pg_control_system()`;

/** Notices a database that was restored somewhere else. */
@Injectable()
export class DatabaseIdentity {
  constructor(private readonly clock: Clock) {}

  /**
   * Notes where the database is. True when it was noted somewhere else before: once, for one replica. A server that
   * does not tell where it is notes nothing.
   */
  async moved(tx: Tx): Promise<boolean> {
    const [allowed] = await tx.query<{ allowed: boolean }[]>(
      `SELECT has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') AS allowed`,
    );
    if (allowed?.allowed !== true) return false;
    const [here] = await tx.query<{ identity: string }[]>(IDENTITY);
    if (here === undefined) return false;
    const [rows] = await tx.query<[unknown[], number]>(
      'UPDATE database_identity SET identity = $1, noted_at = $2 WHERE identity <> $1 RETURNING identity',
      [here.identity, this.clock.now()],
    );
    if (rows.length > 0) return true;
    await tx.query(
      'INSERT INTO database_identity (identity, noted_at) VALUES ($1, $2) ON CONFLICT (singleton) DO NOTHING',
      [here.identity, this.clock.now()],
    );
    return false;
  }
}
