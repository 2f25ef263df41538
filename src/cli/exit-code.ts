/** How the program ends; scripts rely on these. `exec` passes on the exit code of the command that it ran instead. */
export const EXIT = {
  done: 0,
  /** The thing asked for failed: refused, not verified, a limit does not hold. */
  failed: 1,
  usage: 2,
  /** A dependency is missing or unreachable; the message says which. */
  dependency: 3,
} as const;

/** Exit code of a process that a signal ended, as shells report it. */
export function signalExitCode(signalNumber: number): number {
  return 128 + signalNumber;
}
