import { DataSource } from 'typeorm';
import { AuditInbox } from '../../../src/audit/audit-inbox.js';
import { AuditQuery } from '../../../src/audit/audit-query.js';
import { LogTree } from '../../../src/audit/log/log-tree.js';
import { Sequencer } from '../../../src/audit/sequencer.js';
import { createDataSource } from '../../../src/database/data-source.js';
import { DataSourceTransactions, Transactions } from '../../../src/database/transaction.js';
import type { Caller } from '../../../src/kernel/caller.js';
import { SystemClock } from '../../../src/kernel/clock.js';
import { RandomIds } from '../../../src/kernel/ids.js';
import { settingsFrom } from '../../../src/settings/load.js';
import type { Settings } from '../../../src/settings/schema.js';
import { TreeEdge } from '../../../src/tlog/edge.js';
import { leafHash } from '../../../src/tlog/hash.js';
import { freshDatabase } from '../../support/parts.js';

/** Who does things in these tests. */
export const CALLER: Caller = {
  actor: { type: 'admin', issuer: 'https://id.example', subject: 'alice', roles: ['auditor'] },
  requestId: 'req-of-test',
};

/** A log on a database of its own. */
export interface LogParts {
  readonly settings: Settings;
  readonly clock: SystemClock;
  readonly ids: RandomIds;
  readonly dataSource: DataSource;
  readonly transactions: Transactions;
  readonly inbox: AuditInbox;
  readonly query: AuditQuery;
  readonly tree: LogTree;
  /** One more replica's sequencer; with transactions of its own when a test bends them. */
  sequencer(transactions?: Transactions): Sequencer;
  stop(): Promise<void>;
}

/** Opens a log; `batchSize` is that of its sequencers, `changes` go over the settings. */
export async function openLog(
  batchSize = 1_000,
  changes: Readonly<Record<string, unknown>> = {},
): Promise<LogParts> {
  const database = await freshDatabase();
  const settings = settingsFrom({
    database: { url: database.url },
    vault: { address: 'http://127.0.0.1:1', login: { method: 'approle', roleId: 'r', secretId: 's' } },
    issuers: [{ name: 'dev', url: 'https://id.example', audience: 'leasegate' }],
    audit: { hmacKey: 'a key of the test', batchSize },
    ...changes,
  });
  const clock = new SystemClock();
  const ids = new RandomIds(clock);
  const dataSource = await createDataSource(settings).initialize();
  const transactions = new DataSourceTransactions(dataSource);
  const tree = new LogTree(transactions);
  const inbox = new AuditInbox(settings, clock, ids, transactions);
  return {
    settings,
    clock,
    ids,
    dataSource,
    transactions,
    inbox,
    query: new AuditQuery(transactions, inbox, clock),
    tree,
    sequencer: (own = transactions) => new Sequencer(settings, clock, own, tree),
    stop: async () => {
      await dataSource.destroy();
      await database.drop();
    },
  };
}

/** Whether the log in the database is dense, its tiles and root right, and as long as its head says; throws where not. */
export async function checkLog({ dataSource }: LogParts): Promise<{ size: number; eventIds: string[] }> {
  const rows = await dataSource.query<{ idx: string; event_id: string; leaf: Buffer }[]>(
    'SELECT idx, event_id, leaf FROM audit_entry ORDER BY idx',
  );
  const tiles = await dataSource.query<{ level: number; n: string; hashes: Buffer; root: Buffer }[]>(
    'SELECT level, n, hashes, root FROM audit_tile',
  );
  const edge = new TreeEdge();
  const whole = rows.flatMap((row, index) => {
    if (Number(row.idx) !== index) throw new Error(`index ${row.idx} where ${index} should be`);
    return edge.append(leafHash(row.leaf));
  });
  if (whole.length !== tiles.length) throw new Error(`${tiles.length} tiles where ${whole.length} should be`);
  for (const { level, n, hashes, root } of whole) {
    const stored = tiles.find((tile) => tile.level === level && Number(tile.n) === n);
    if (!stored?.hashes.equals(Buffer.concat(hashes))) throw new Error(`tile ${level}/${n}`);
    if (!stored.root.equals(root)) throw new Error(`root of tile ${level}/${n}`);
  }
  const [head] = await dataSource.query<{ size: string; root_hash: Buffer }[]>(
    'SELECT size, root_hash FROM audit_head',
  );
  if (Number(head?.size) !== rows.length)
    throw new Error(`the head says ${head?.size}, there are ${rows.length}`);
  if (!head?.root_hash.equals(edge.root())) throw new Error('the head has another root');
  return { size: rows.length, eventIds: rows.map((row) => row.event_id) };
}

/** Puts many events in the inbox at once; answers their ids. `pad` makes each that many bytes longer. */
export async function offerMany(parts: LogParts, count: number, pad = 0): Promise<string[]> {
  const all: string[] = [];
  for (let done = 0; done < count; done += 5_000) {
    const ids = Array.from({ length: Math.min(5_000, count - done) }, () => parts.ids.uuid());
    const leaves = ids.map((id, n) =>
      parts.inbox.leaf(
        id,
        'run.closed',
        { caller: CALLER, run: { runId: `run-${(done + n) % 10}` }, stepId: 'build' },
        { leases: done + n, reason: 'x'.repeat(pad) },
      ),
    );
    await parts.dataSource.query(
      'INSERT INTO audit_inbox (event_id, leaf) SELECT * FROM unnest($1::uuid[], $2::bytea[])',
      [ids, leaves],
    );
    all.push(...ids);
  }
  return all;
}
