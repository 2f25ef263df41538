import { Injectable } from '@nestjs/common';
import { setImmediate as pause } from 'node:timers/promises';
import { Transactions } from '../../database/transaction.js';
import { leafHash, splitHashes } from '../../tlog/hash.js';
import { TILE_WIDTH, tileRoot } from '../../tlog/tile.js';
import { isMember } from '../retention/members.js';
import { columnsOf, readEvent } from '../stored-event.js';

/** Entries that are compared before others have their turn. */
const AT_ONCE = 16;

/** Something in the database that is not what the tree vouches for. */
export interface LogFinding {
  readonly index: number;
  readonly problem: string;
}

const COLUMNS = {
  kind: 'kind',
  outcome: 'outcome',
  code: 'code',
  actor_issuer: 'actorIssuer',
  actor_subject: 'actorSubject',
  workload_issuer: 'workloadIssuer',
  workload_subject: 'workloadSubject',
  grant_id: 'grantId',
  grant_version: 'grantVersion',
  run_ref: 'runRef',
  run_id: 'runId',
  step_id: 'stepId',
  lease_id: 'leaseId',
  credential: 'credential',
  tool: 'tool',
  request_id: 'requestId',
  account_hmac: 'accountHmac',
} as const;

type Row = Readonly<Record<keyof typeof COLUMNS, string | number | null>> & {
  readonly idx: string;
  readonly event_id: string;
  readonly occurred_at: Date;
  readonly leaf: Buffer;
};

/**
 * Compares stored entries with the tree and with themselves: a leaf that is another one, an entry that is gone, and
 * columns that would let a search answer what the leaf does not say, which no proof would show.
 */
@Injectable()
export class LogCheck {
  constructor(private readonly transactions: Transactions) {}

  /** Looks at the whole tile `n`; undefined where there is none yet. Answers at most one finding for each entry. */
  async tile(n: number): Promise<readonly LogFinding[] | undefined> {
    const first = n * TILE_WIDTH;
    const [tile] = await this.transactions.reads.query<{ hashes: Buffer; root: Buffer }[]>(
      'SELECT hashes, root FROM audit_tile WHERE level = 0 AND n = $1::bigint',
      [n],
    );
    if (tile === undefined) {
      const [head] = await this.transactions.reads.query<{ size: string }[]>('SELECT size FROM audit_head');
      return Number(head?.size) < first + TILE_WIDTH
        ? undefined
        : [{ index: first, problem: `tile ${n} of the log is gone` }];
    }
    const hashes = splitHashes(tile.hashes);
    if (!tileRoot(hashes).equals(tile.root))
      return [{ index: first, problem: `tile ${n} of the log does not have the root that stands beside it` }];
    const rows = await this.transactions.reads.query<Row[]>(
      `SELECT idx, event_id, occurred_at, ${Object.keys(COLUMNS).join(', ')}, leaf FROM audit_entry
       WHERE idx >= $1::bigint AND idx < $2::bigint ORDER BY idx`,
      [first, first + TILE_WIDTH],
    );
    const byIndex = new Map(rows.map((row) => [Number(row.idx), row]));
    const findings: (LogFinding | undefined)[] = [];
    for (const [at, hash] of hashes.entries()) {
      findings.push(findingOf(first + at, hash, byIndex.get(first + at)));
      // A whole tile takes several milliseconds, and nobody who waits for an answer should wait for that.
      if (at % AT_ONCE === AT_ONCE - 1) await pause();
    }
    const gone = findings.some((finding) => finding?.problem === GONE);
    const archived = gone ? await this.#archived(first) : [];
    return findings.filter(
      (finding): finding is LogFinding =>
        finding !== undefined &&
        !(finding.problem === GONE && archived.some((members) => isMember(members, finding.index - first))),
    );
  }

  /** Which entries of the tile retention took out of the database, as it recorded; a bit each. */
  async #archived(first: number): Promise<readonly Buffer[]> {
    const [row] = await this.transactions.reads.query<{ known: boolean }[]>(
      `SELECT to_regclass('audit_archive') IS NOT NULL AS known`,
    );
    if (row?.known !== true) return [];
    const rows = await this.transactions.reads.query<{ members: Buffer }[]>(
      `SELECT substring(members FROM (($1::bigint - from_idx) / 8 + 1)::integer FOR ${TILE_WIDTH / 8}) AS members
       FROM audit_archive WHERE state IN ('removed', 'destroyed')
         AND from_idx = (SELECT max(from_idx) FROM audit_part WHERE from_idx <= $1::bigint)`,
      [first],
    );
    return rows.map(({ members }) => members);
  }
}

const GONE = 'the entry is gone';

function findingOf(index: number, hash: Buffer, row: Row | undefined): LogFinding | undefined {
  if (row === undefined) return { index, problem: GONE };
  if (!leafHash(row.leaf).equals(hash))
    return { index, problem: 'the leaf is not the one that the tree has' };
  const said = columnsOf(row.leaf);
  const wrong = Object.entries(COLUMNS)
    .filter(([column, name]) => row[column as keyof typeof COLUMNS] !== said[name])
    .map(([column]) => column);
  const id = readEvent(row.leaf)?.['id'];
  if (typeof id === 'string' && id !== row.event_id) wrong.push('event_id');
  if (said.occurredAt !== undefined && Date.parse(said.occurredAt) !== row.occurred_at.getTime())
    wrong.push('occurred_at');
  return wrong.length === 0
    ? undefined
    : { index, problem: `the column ${wrong.join(', ')} says something else than the leaf` };
}
