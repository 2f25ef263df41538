import { Injectable } from '@nestjs/common';
import { JobRegistry, type Job } from './job.js';

const NAME = /^[a-z][a-z0-9.-]{0,62}$/;

/** The jobs of this process, by name. */
@Injectable()
export class RegisteredJobs extends JobRegistry {
  readonly #jobs = new Map<string, Job>();

  add(job: Job): void {
    if (!NAME.test(job.name)) throw new Error(`${JSON.stringify(job.name)} is not a name for a job`);
    if (!(job.everyMs > 0) || !Number.isFinite(job.everyMs)) {
      throw new Error(`job ${job.name} needs an interval above zero`);
    }
    if (!(job.longestMs > 0) || !Number.isFinite(job.longestMs)) {
      throw new Error(`job ${job.name} needs a longest time above zero`);
    }
    if (this.#jobs.has(job.name)) throw new Error(`job ${job.name} is registered twice`);
    this.#jobs.set(job.name, job);
  }

  /** All of them, in order of registration. */
  all(): readonly Job[] {
    return [...this.#jobs.values()];
  }

  /** Those that are shared in this way. */
  shared(sharing: Job['sharing']): readonly Job[] {
    return this.all().filter((job) => job.sharing === sharing);
  }
}
