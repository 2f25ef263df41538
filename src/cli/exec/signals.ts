import { constants } from 'node:os';
import { signalExitCode } from '../exit-code.js';

/** Signals that are passed on to the command. */
export const FORWARDED = [
  'SIGINT',
  'SIGTERM',
  'SIGHUP',
  'SIGQUIT',
  'SIGUSR1',
  'SIGUSR2',
] as const satisfies readonly NodeJS.Signals[];
export type Forwarded = (typeof FORWARDED)[number];

/** Calls back for each of these signals, instead of what they would do to this process; answers how to stop that. */
export function onSignals(callback: (signal: Forwarded) => void): () => void {
  const listeners = FORWARDED.map((signal) => {
    const listener = (): void => callback(signal);
    process.on(signal, listener);
    return () => process.removeListener(signal, listener);
  });
  return () => listeners.forEach((remove) => remove());
}

/** Exit code for a process that this signal ended. */
export function exitCodeOfSignal(signal: NodeJS.Signals): number {
  return signalExitCode(constants.signals[signal]);
}
