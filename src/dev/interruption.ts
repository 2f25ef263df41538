/** The exit code of a program that somebody ended by Ctrl-C or its like. */
export const INTERRUPTED_EXIT_CODE = 130;

/** Ctrl-C and its like. The first one ends everything in order; the second ends us, and the reaper does the rest. */
export class Interruption {
  readonly #controller = new AbortController();
  readonly #listener: () => void;
  /** Aborted by the first one. */
  readonly signal: AbortSignal = this.#controller.signal;
  /** Resolves, with the exit code, when somebody wants us to stop. */
  readonly happened: Promise<number>;

  constructor() {
    let happen: (code: number) => void = () => {};
    this.happened = new Promise((resolve) => (happen = resolve));
    this.#listener = () => {
      if (this.signal.aborted) process.exit(INTERRUPTED_EXIT_CODE);
      this.#controller.abort();
      happen(INTERRUPTED_EXIT_CODE);
    };
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, this.#listener);
  }

  /** Stops listening. */
  close(): void {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(name, this.#listener);
  }
}
