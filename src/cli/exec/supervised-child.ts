import { startChild, type ChildFailure, type RunningChild } from './child.js';
import type { Forwarded } from './signals.js';

/** How a command is started, each time. */
export interface SupervisedOptions {
  readonly words: readonly string[];
  readonly terminal: boolean;
  readonly onFailure: (failure: ChildFailure) => void;
  /** How long it may take to end after SIGTERM before it is killed. */
  readonly stopTimeoutMs: number;
}

/** Signals after which nobody wants another start. */
const ENDING: ReadonlySet<Forwarded> = new Set(['SIGINT', 'SIGTERM', 'SIGQUIT']);

/**
 * A command that can be replaced by a new start of itself. `exit` is the end of the one that was not replaced: it ended
 * by itself, or somebody asked this process to end.
 */
export class SupervisedChild {
  readonly exit: Promise<number>;
  #resolveExit: (code: number) => void = () => {};
  #child: RunningChild;
  #wantsEnd = false;
  #replacing = false;
  #ended = false;

  constructor(
    private readonly options: SupervisedOptions,
    environment: NodeJS.ProcessEnv,
  ) {
    this.exit = new Promise((resolve) => (this.#resolveExit = resolve));
    this.#child = this.#start(environment);
  }

  /** Passes a signal on; one that asks for an end also keeps a replacement from being started. */
  pass(signal: Forwarded): void {
    if (ENDING.has(signal)) this.#wantsEnd = true;
    this.#child.pass(signal);
  }

  /** Tells the command that its files are new. */
  tell(signal: NodeJS.Signals): void {
    if (!this.#ended) this.#child.kill(signal);
  }

  /**
   * SIGTERM, SIGKILL if it does not end in time, and a start with another environment. Does nothing when the command has
   * ended or was asked to. Calls must not overlap.
   */
  async replace(environment: NodeJS.ProcessEnv): Promise<void> {
    if (this.#ended || this.#wantsEnd) return;
    this.#replacing = true;
    const old = this.#child;
    old.kill('SIGTERM');
    const timer = setTimeout(() => old.kill('SIGKILL'), this.options.stopTimeoutMs);
    const code = await old.exit;
    clearTimeout(timer);
    this.#replacing = false;
    if (this.#wantsEnd) this.#finish(code);
    else this.#child = this.#start(environment);
  }

  #start(environment: NodeJS.ProcessEnv): RunningChild {
    const { words, terminal, onFailure } = this.options;
    const child = startChild(words, environment, { terminal, onFailure });
    void child.exit.then((code) => {
      if (!this.#replacing) this.#finish(code);
    });
    return child;
  }

  #finish(code: number): void {
    this.#ended = true;
    this.#resolveExit(code);
  }
}
