import { spawn } from 'node:child_process';
import { exitCodeOfSignal, type Forwarded } from './signals.js';

/** A command that runs. */
export interface RunningChild {
  /** Its exit code; 128 + n when a signal ended it, 127 when there is no such command, 126 when it cannot be run. */
  readonly exit: Promise<number>;
  /** Passes on a signal that this process got. */
  pass(signal: Forwarded): void;
  /** Sends a signal of this process's own. */
  kill(signal: NodeJS.Signals): void;
}

/** What could not be started, and why. */
export interface ChildFailure {
  readonly command: string;
  readonly reason: string;
}

/** Starts a command, without a shell, on the same terminal and files as this process. */
export function startChild(
  words: readonly string[],
  environment: NodeJS.ProcessEnv,
  options: { readonly terminal: boolean; readonly onFailure: (failure: ChildFailure) => void },
): RunningChild {
  const [command = '', ...rest] = words;
  const child = spawn(command, rest, { stdio: 'inherit', env: environment });
  const exit = new Promise<number>((resolve) => {
    child.on('error', (error: NodeJS.ErrnoException) => {
      // Also emitted when a signal could not be sent; the command lives then.
      if (child.pid !== undefined) return;
      options.onFailure({ command, reason: error.code ?? error.message });
      resolve(error.code === 'ENOENT' ? 127 : 126);
    });
    child.once('exit', (code, signal) => resolve(signal === null ? (code ?? 1) : exitCodeOfSignal(signal)));
  });
  return {
    exit,
    pass(signal) {
      // A terminal sends these to the whole foreground group: the command has it already, and twice means "now" to many.
      if (options.terminal && (signal === 'SIGINT' || signal === 'SIGQUIT')) return;
      child.kill(signal);
    },
    kill(signal) {
      child.kill(signal);
    },
  };
}
