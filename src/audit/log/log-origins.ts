import { Injectable } from '@nestjs/common';
import { Transactions, type Tx } from '../../database/transaction.js';
import type { HighWaterMark } from './audit-high-water.js';

/** A log that goes on from another one. */
export interface LogOrigin {
  readonly origin: string;
  readonly beganAt: Date;
  /** What the new log began with: entries that it took over. */
  readonly size: number;
  readonly root: Buffer;
  /** How far the former log was signed. */
  readonly former: HighWaterMark;
  /** Entries that were gone and are `log.entry_lost` now. */
  readonly lost: number;
  /** A signed note; null where the log was not signed. */
  readonly link: string | null;
  readonly reason: string;
}

interface Row {
  readonly origin: string;
  readonly began_at: Date;
  readonly size: string;
  readonly root_hash: Buffer;
  readonly former: string;
  readonly former_size: string;
  readonly former_root: Buffer;
  readonly lost: number;
  readonly link: string | null;
  readonly reason: string;
}

const SELECT = `SELECT origin, began_at, size, root_hash, former, former_size, former_root, lost, link, reason
  FROM audit_origin`;

/** The origins that the log had beside its first. */
@Injectable()
export class LogOrigins {
  constructor(private readonly transactions: Transactions) {}

  /** All of them, oldest first: there are few. */
  async all(): Promise<readonly LogOrigin[]> {
    const rows = await this.transactions.reads.query<Row[]>(`${SELECT} ORDER BY began_at, origin`);
    return rows.map(originOf);
  }

  /** How this origin came to be; undefined for the first one. */
  async find(origin: string): Promise<LogOrigin | undefined> {
    const rows = await this.transactions.reads.query<Row[]>(`${SELECT} WHERE origin = $1`, [origin]);
    return rows.map(originOf)[0];
  }

  /** Keeps one; for ever. */
  async keep(tx: Tx, { origin, beganAt, size, root, former, lost, link, reason }: LogOrigin): Promise<void> {
    await tx.query(
      `INSERT INTO audit_origin (origin, began_at, size, root_hash, former, former_size, former_root, lost, link, reason)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
      [origin, beganAt, size, root, former.origin, former.size, former.root, lost, link, reason],
    );
  }
}

function originOf(row: Row): LogOrigin {
  return {
    origin: row.origin,
    beganAt: row.began_at,
    size: Number(row.size),
    root: row.root_hash,
    former: { origin: row.former, size: Number(row.former_size), root: row.former_root },
    lost: row.lost,
    link: row.link,
    reason: row.reason,
  };
}
