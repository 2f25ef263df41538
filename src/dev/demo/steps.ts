import type { Screen, StepName, StepResult } from './step.js';

/** A step did not do what it shows. The message says what was expected and what came. */
export class StepFailed extends Error {}

/** Runs steps one after the other, takes their time and shows them. */
export class Steps {
  readonly results: StepResult[] = [];

  constructor(
    private readonly screen: Screen,
    /** Aborted when somebody wants an end: what fails from then on fails because of that, and is not shown. */
    private readonly interrupted: AbortSignal,
  ) {}

  /** Runs a step; its answer is shown. Rethrows what it throws, after it was shown as failed. */
  async run(name: StepName, work: () => Promise<string>): Promise<void> {
    this.screen.started(name);
    const begin = performance.now();
    try {
      const detail = await work();
      this.add({ name, ok: true, ms: performance.now() - begin, detail });
    } catch (error) {
      if (this.interrupted.aborted) throw error;
      const detail = error instanceof Error ? error.message : String(error);
      this.add({ name, ok: false, ms: performance.now() - begin, detail });
      throw error;
    }
  }

  /** Adds a step that something else has run and timed. */
  add(result: StepResult): void {
    const rounded = { ...result, ms: Math.round(result.ms) };
    this.results.push(rounded);
    this.screen.finished(rounded);
  }

  /** Whether every step that ran did what it shows. */
  get ok(): boolean {
    return this.results.every((step) => step.ok);
  }
}
