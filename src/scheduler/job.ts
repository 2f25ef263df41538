/** What a run of a job did. */
export interface JobResult {
  /** How many things it worked on; 0 when nothing was due. */
  readonly worked: number;
  /** When the next thing falls due, where that is known: the job comes round then, if it may by its interval. */
  readonly nextDueInMs?: number | undefined;
}

/** Says that a run has got on: it may take its longest time again. For work whose length nobody knows, after each step. */
export type Progress = () => void;

/**
 * Longest run of a job whose steps take a moment: longer than any of them can wait for PostgreSQL or Vault as these are
 * usually set, so that what has not ended then waits for something that does not come.
 */
export const MOMENTS_MS = 30_000;

/**
 * Work that comes round. A run must be safe to repeat and safe to lose half way: a replica can die in the middle,
 * and a replica that froze may wake up after another has taken its job over. So a job claims the rows that it works
 * on, and never relies on being alone.
 */
export interface Job {
  /** Unique; lower-case letters, digits, dots and dashes. It names the row in `scheduled_jobs`. */
  readonly name: string;
  /** Time from one start to the next; no more often than the scheduler looks (`scheduler.tickMs`). */
  readonly everyMs: number;
  /** `exclusive`: one replica at a time. `every-replica`: each replica for itself, for what it holds in memory. */
  readonly sharing: 'exclusive' | 'every-replica';
  /**
   * Longest time that a run may take without a sign of {@link Progress}; then it is told to end and counts as failed, and
   * the job goes on, here or elsewhere, even if that run never ends.
   */
  readonly longestMs: number;
  /**
   * Does what is due. The signal is aborted when the replica stops or when the claim on an exclusive job is lost: end
   * soon, at a point where nothing is half done. What it throws is logged and persisted without its message.
   */
  run(signal: AbortSignal, progress: Progress): Promise<JobResult>;
}

/** Where the modules register their jobs, in `onModuleInit`. */
export abstract class JobRegistry {
  /** Adds a job. Throws when the name is taken or not a name, or the interval is not a positive number. */
  abstract add(job: Job): void;
}
