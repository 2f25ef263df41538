/** What a run of a job did. */
export interface JobResult {
  /** How many things it worked on; 0 when nothing was due. */
  readonly worked: number;
}

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
   * Longest run, for jobs that nothing may hold up for ever: then the run is told to end and counts as failed, and the
   * job goes on, here or elsewhere, even if that run never ends. Without it a run takes as long as it takes.
   */
  readonly longestMs?: number;
  /**
   * Does what is due. The signal is aborted when the replica stops or when the claim on an exclusive job is lost: end
   * soon, at a point where nothing is half done. What it throws is logged and persisted without its message.
   */
  run(signal: AbortSignal): Promise<JobResult>;
}

/** Where the modules register their jobs, in `onModuleInit`. */
export abstract class JobRegistry {
  /** Adds a job. Throws when the name is taken or not a name, or the interval is not a positive number. */
  abstract add(job: Job): void;
}
