import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { AuditInbox } from '../../src/audit/audit-inbox.js';
import { Transactions } from '../../src/database/transaction.js';
import { SystemClock } from '../../src/kernel/clock.js';
import { RandomIds } from '../../src/kernel/ids.js';
import { settingsFrom } from '../../src/settings/load.js';
import { startBrokerParts } from '../broker-parts.js';
import { compared, measured, median, quantile, report, type Report, type Row } from '../report.js';
import { businessMs } from './business.js';
import { copySeconds } from './copy-out.js';
import { coreMicros, coreTimes, type Watched } from './core-time.js';
import { LeaseEvents } from './events.js';
import { MadeEvents } from './made-events.js';
import { emptied, offer } from './offer.js';
import { exportLog, heldMs, verifyRate } from './readers.js';

const HMAC_KEY = 'the key of a benchmark';
const PER_SECOND = 10_000;
const SECONDS = 30;
/** Events of one transaction: groups of calls, and leases that end together. */
const GROUP = 10;
const QUESTIONS = 300;
/**
 * A server that is set up for such a load and has run for a while. A fresh one fills each new segment of its log with
 * zeros, 50 ms each on this disk, where one that has run for a while uses old segments again. And new pages of its tables
 * stay in the kernel until it writes half a gigabyte at once, for which every commit waits: checkpoints that never rest
 * and frequent vacuums keep that small. It is the same server for both sides of each comparison.
 */
const POSTGRES = ['shared_buffers=1GB', 'max_wal_size=512MB', 'autovacuum_naptime=10s', 'wal_init_zero=off'];

/**
 * The log under load, and its readers. `size` is the number of entries that are read: the 300,000 of the load unless
 * told, and with fewer the load is that much shorter.
 */
export async function benchAudit(
  rounds: number,
  progress: (line: string) => void,
  size = PER_SECOND * SECONDS,
): Promise<Report> {
  const parts = await startBrokerParts(progress, {
    roles: ['api', 'scheduler', 'sequencer'],
    env: { LEASEGATE_AUDIT__HMAC_KEY: HMAC_KEY },
    postgres: POSTGRES,
  });
  const pool = new pg.Pool({
    connectionString: parts.databaseUrl,
    max: 16,
    application_name: 'bench',
    idleTimeoutMillis: 0,
  });
  parts.onStop(() => pool.end());
  try {
    const source = eventsOf(parts.databaseUrl);
    const token = await parts.issuer.token(
      { sub: 'bench-auditor', roles: ['auditor'] },
      { lifetimeSeconds: 86_400 },
    );
    await offer(pool, new MadeEvents(source, 4_000), { perSecond: 2_000, group: GROUP });
    const rows: Row[] = [];
    const seconds = Math.min(SECONDS, Math.ceil(size / PER_SECOND));
    rows.push(...(await load({ pool, brokerPid: parts.broker.pid }, source, seconds, progress)));
    await followed(pool);
    rows.push(await business(pool, source, rounds, progress));
    await grow(pool, source, size, progress);
    const file = join(await parts.reaper.directory('bench-audit'), 'audit.jsonl');
    rows.push(...(await readers(parts, pool, token, { rounds, file }, progress)));
    await followed(pool);
    const held = await heldMs(parts, token, source.leases - 1, QUESTIONS);
    rows.push(
      measured({
        case: `who held an account, among ${await entries(pool)} entries`,
        metric: 'p99',
        unit: 'ms',
        ours: quantile(held, 0.99),
        limit: 50,
        better: 'lower',
      }),
    );
    return report('audit', rounds, rows);
  } finally {
    await parts.stop();
  }
}

function eventsOf(databaseUrl: string): LeaseEvents {
  const clock = new SystemClock();
  const ids = new RandomIds(clock);
  const settings = settingsFrom({
    database: { url: databaseUrl },
    vault: { address: 'http://127.0.0.1:1', login: { method: 'approle', roleId: 'r', secretId: 's' } },
    issuers: [{ name: 'dev', url: 'https://id.example', audience: 'leasegate' }],
    audit: { hmacKey: HMAC_KEY },
  });
  // Only its leaves are taken, and written by the benchmark itself.
  return new LeaseEvents(new AuditInbox(settings, clock, ids, undefined as unknown as Transactions), ids);
}

async function load(
  watched: Watched,
  source: LeaseEvents,
  seconds: number,
  progress: (line: string) => void,
): Promise<Row[]> {
  const { pool } = watched;
  const made = new MadeEvents(source, PER_SECOND * seconds);
  const [before, spent] = [await entries(pool), await coreTimes(watched)];
  const offered = await offer(pool, made, { perSecond: PER_SECOND, group: GROUP });
  const after = await entries(pool);
  await followed(pool);
  const shares = coreMicros(spent, await coreTimes(watched), offered.events);
  progress(`core-µs an event: ${shares.map(([who, micros]) => `${who} ${micros.toFixed(1)}`).join(', ')}`);
  const lost =
    offered.events -
    Number(
      (
        await pool.query<{ count: string }>(
          `SELECT count(*) FROM audit_entry WHERE idx >= $1 AND kind LIKE 'lease.%'`,
          [before],
        )
      ).rows[0]?.count,
    );
  await signedBeyond(pool, after);
  const signed = await signingSeconds(pool, before, after);
  const p99 = quantile(offered.appendMs, 0.99);
  progress(
    `${offered.events} events in ${seconds} s: append p99 ${p99.toFixed(1)} ms, empty after ${offered.backlogMs.toFixed(0)} ms, signed p99 ${quantile(signed, 0.99).toFixed(2)} s`,
  );
  const line = { case: `${PER_SECOND} events/s offered for ${seconds} s`, better: 'lower' } as const;
  return [
    measured({ ...line, metric: 'lost', unit: 'events', ours: lost, limit: 0 }),
    measured({ ...line, metric: 'backlog gone after', unit: 'ms', ours: offered.backlogMs, limit: 2_000 }),
    measured({ ...line, metric: 'append p99', unit: 'ms', ours: p99, limit: 50 }),
    measured({
      ...line,
      metric: 'event to signed checkpoint p99',
      unit: 's',
      ours: quantile(signed, 0.99),
      limit: 2,
    }),
  ];
}

async function business(
  pool: pg.Pool,
  source: LeaseEvents,
  rounds: number,
  progress: (line: string) => void,
): Promise<Row> {
  const [without, with_]: [number[], number[]] = [[], []];
  await businessMs(pool, source);
  for (let round = 0; round < rounds; round += 1) {
    without.push(await businessMs(pool, undefined));
    with_.push(await businessMs(pool, source));
  }
  progress(
    `business transaction: ${median(without).toFixed(2)} ms, with its event ${median(with_).toFixed(2)} ms`,
  );
  return compared({
    case: 'a business transaction with its event, against without',
    metric: 'median',
    unit: 'ms',
    ours: median(with_),
    reference: median(without),
    limit: 1.3,
    better: 'lower',
  });
}

/** Until there are so many entries, as fast as they are sequenced. */
async function grow(
  pool: pg.Pool,
  source: LeaseEvents,
  size: number,
  progress: (line: string) => void,
): Promise<void> {
  for (let there = await entries(pool); there < size; there = await entries(pool)) {
    progress(`${there} of ${size} entries`);
    const made = new MadeEvents(source, Math.max(1_000, Math.min(100_000, size - there)));
    await offer(pool, made, { perSecond: 2 * PER_SECOND, group: 100 });
  }
  await emptied(pool);
}

async function readers(
  parts: Parameters<typeof exportLog>[0],
  pool: pg.Pool,
  token: string,
  { rounds, file }: { rounds: number; file: string },
  progress: (line: string) => void,
): Promise<Row[]> {
  await signedBeyond(pool, await entries(pool));
  const { rows: keys } = await pool.query<{ key_line: string }>('SELECT key_line FROM audit_log_key');
  const [copy, jsonl, parquet, verify, memory]: number[][] = [[], [], [], [], []] as unknown as number[][];
  for (let round = 0; round < rounds; round += 1) {
    const count = await entries(pool);
    copy!.push(count / (await copySeconds(parts.databaseUrl, 'SELECT * FROM audit_entry ORDER BY idx')));
    const exported = await exportLog(parts, token, 'jsonl', file);
    if (exported === undefined) throw new Error('the broker gives no export');
    jsonl!.push(count / exported.seconds);
    const columns = await exportLog(parts, token, 'parquet');
    if (columns !== undefined) parquet!.push(count / columns.seconds);
    memory!.push(exported.residentMiB, columns?.residentMiB ?? 0);
    verify!.push(
      await verifyRate(
        file,
        keys.map(({ key_line: key }) => key),
      ),
    );
    progress(
      `round ${round + 1} of ${rounds}: COPY ${told(copy!)}, JSON Lines ${told(jsonl!)}, Parquet ${told(parquet!)}, verify ${told(verify!)}`,
    );
  }
  const rate = { metric: 'entries', unit: '1/s', better: 'higher' } as const;
  const reference = median(copy!);
  return [
    measured({ ...rate, case: 'audit verify', ours: median(verify!), limit: 200_000 }),
    compared({
      ...rate,
      case: 'JSON Lines, against COPY TO STDOUT',
      ours: median(jsonl!),
      reference,
      limit: 0.5,
    }),
    ...(parquet!.length === 0
      ? []
      : [
          compared({
            ...rate,
            case: 'Parquet, against COPY TO STDOUT',
            ours: median(parquet!),
            reference,
            limit: 0.2,
          }),
        ]),
    measured({
      case: 'broker while it exports',
      metric: 'resident memory',
      unit: 'MiB',
      ours: Math.max(...memory!),
      limit: 256,
      better: 'lower',
    }),
  ];
}

async function entries(pool: pg.Pool): Promise<number> {
  return Number((await pool.query<{ size: string }>('SELECT size FROM audit_head')).rows[0]?.size);
}

async function signedBeyond(pool: pg.Pool, size: number): Promise<void> {
  for (;;) {
    const { rows } = await pool.query('SELECT 1 FROM audit_checkpoint WHERE size >= $1 LIMIT 1', [size]);
    if (rows.length > 0) return;
    await wait(50);
  }
}

/** Of every hundredth event: seconds until the first checkpoint that covers it. */
async function signingSeconds(pool: pg.Pool, from: number, to: number): Promise<number[]> {
  const { rows } = await pool.query<{ seconds: number }>(
    `SELECT extract(epoch FROM c.signed_at - e.occurred_at)::float8 AS seconds FROM audit_entry e
     CROSS JOIN LATERAL (SELECT signed_at FROM audit_checkpoint WHERE size > e.idx ORDER BY size LIMIT 1) c
     WHERE e.idx >= $1 AND e.idx < $2 AND e.idx % 100 = 0`,
    [from, to],
  );
  return rows.map(({ seconds }) => seconds);
}

/** Until who held what is known up to the end of the log. */
async function followed(pool: pg.Pool): Promise<void> {
  for (;;) {
    const { rows } = await pool.query(
      'SELECT 1 FROM hold_cursor WHERE next_index >= (SELECT size FROM audit_head) - 1000',
    );
    if (rows.length > 0) return;
    await wait(200);
  }
}

function told(rates: readonly number[]): string {
  return `${(rates.at(-1) ?? 0).toFixed(0)}/s`;
}
