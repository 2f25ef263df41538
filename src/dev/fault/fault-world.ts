import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import { exampleGrant } from '../example-specs.js';
import { DEV_ISSUER_NAME } from '../issuer-names.js';
import { readBooks, select } from './books.js';
import { compareBooks, type Comparison } from './compare.js';
import type { FaultParts } from './fault-parts.js';
import { FaultWorker } from './fault-worker.js';
import { Fleet } from './fleet.js';
import { Ledger } from './ledger.js';
import { Seeded } from './seeded.js';

/** The workload of the seeded grant. */
export const FAULT_SUBJECT = 'jobs/faults';

const LOOK_EVERY_MS = 500;
/** Several rounds of every job and of the sequencer. */
const SETTLES_MS = 2_000;
/** Lines of the brokers' log that are shown when the books do not agree. */
const TROUBLES = 60;
/** Other brokers decide by grants that are at most a second old. */
const GRANTS_SEEN_AFTER_MS = 1_100;

/** Brokers under test with a catalogue and a grant, and what is compared when the faults are over. */
export class FaultWorld {
  readonly ledger = new Ledger();

  private constructor(
    readonly parts: FaultParts,
    readonly fleet: Fleet,
    readonly random: Seeded,
  ) {}

  static async start(parts: FaultParts, replicas: number, seed: number): Promise<FaultWorld> {
    const world = new FaultWorld(parts, await Fleet.start(parts, replicas), new Seeded(seed));
    try {
      const admin = world.worker();
      for (const body of parts.credentials) {
        const answer = await admin.admin({ method: 'POST', path: '/v1/credentials', body });
        if (answer?.status !== 201) throw new Error(`a credential was answered with ${answer?.status}`);
      }
      await world.grant('faults', FAULT_SUBJECT);
      return world;
    } catch (error) {
      await world.stop();
      throw error;
    }
  }

  /** A worker that draws beside the others. */
  worker(): FaultWorker {
    return new FaultWorker(this.parts, this.fleet, this.ledger, this.random.fork());
  }

  /** Makes a grant for a workload of its own; answers its name. */
  async grant(name: string, subject: string): Promise<string> {
    const body = exampleGrant(name, DEV_ISSUER_NAME, subject);
    const answer = await this.worker().admin({ method: 'POST', path: '/v1/grants', body });
    // An earlier attempt may have made it and not been heard.
    if (answer === undefined || (answer.status !== 201 && answer.status !== 409))
      throw new Error(`the grant ${name} was answered with ${answer?.status}`);
    await pause(GRANTS_SEEN_AFTER_MS);
    return name;
  }

  /** Has a job that comes round be due now, on whichever broker is quicker. */
  async due(job: string): Promise<void> {
    await select(
      this.parts.databaseUrl,
      `UPDATE scheduled_jobs SET next_run_at = clock_timestamp() WHERE name = '${job}'`,
    );
  }

  /** Waits until nothing stands still and the books agree; when they do not in time, answers in what they differ. */
  async rest(deadlineMs: number): Promise<Comparison> {
    await this.fleet.recovered();
    const deadline = performance.now() + deadlineMs;
    for (;;) {
      const late = performance.now() > deadline;
      // All of the books are long after a long storm; these few rows say whether it is worth while to read them.
      if (late || (await this.#quiet())) {
        const comparison = await this.#compare();
        if (agrees(comparison)) {
          // One that woke up last may be about to do what it had begun: that must not change anything.
          await pause(SETTLES_MS);
          return this.#compare();
        }
        if (late) {
          process.stderr.write(await this.#surroundings());
          return comparison;
        }
      }
      await pause(LOOK_EVERY_MS);
    }
  }

  async #compare(): Promise<Comparison> {
    return compareBooks(await readBooks(this.parts), this.ledger);
  }

  /** What may tell why nothing comes to rest: the jobs, the hold, and the last troubles that brokers logged. */
  async #surroundings(): Promise<string> {
    const { databaseUrl, logFile } = this.parts;
    const jobs = await select(
      databaseUrl,
      'SELECT *, clock_timestamp() AS now FROM scheduled_jobs ORDER BY name',
    );
    const switches = await select(databaseUrl, 'SELECT * FROM switches');
    const leases = await select(
      databaseUrl,
      'SELECT id, state, mount, expires_at, next_attempt_at, attempts, claimed_until, last_error FROM leases WHERE ended_at IS NULL LIMIT 20',
    );
    const log = await readFile(logFile, 'utf8').catch(() => '');
    const troubles = log.split('\n').filter((line) => /"level":"(warn|error|fatal)"/.test(line));
    const rows = [...jobs, ...switches, ...leases].map((row) => JSON.stringify(row));
    return `${[...rows, ...troubles.slice(-TROUBLES)].join('\n')}\n`;
  }

  async #quiet(): Promise<boolean> {
    const [row] = await select<{ quiet: boolean }>(
      this.parts.databaseUrl,
      `SELECT NOT EXISTS (SELECT 1 FROM leases WHERE ended_at IS NULL)
         AND NOT EXISTS (SELECT 1 FROM audit_inbox) AS quiet`,
    );
    return row?.quiet === true;
  }

  async stop(): Promise<void> {
    await this.fleet.stop();
    await this.parts.clear().catch(() => undefined);
  }
}

/** Whether no book contradicts another. */
export function agrees(comparison: Comparison): boolean {
  return (Object.values(comparison) as (readonly string[])[]).every((findings) => findings.length === 0);
}
