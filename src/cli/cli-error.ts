import { EXIT } from './exit-code.js';

/** What a {@link CliError} is made of besides its message. */
export interface CliErrorOptions {
  /** What to do next. */
  readonly next?: string;
  readonly exitCode?: number;
}

/** Something that this program refuses or cannot do by itself, before or besides any answer of the broker. */
export class CliError extends Error {
  readonly next: string | undefined;
  readonly exitCode: number;

  constructor(
    readonly code: string,
    message: string,
    options: CliErrorOptions = {},
  ) {
    super(message);
    this.name = 'CliError';
    this.next = options.next;
    this.exitCode = options.exitCode ?? EXIT.failed;
  }
}

/** Something wrong with the words of the command line or a file that it names. */
export function usageError(message: string, next?: string): CliError {
  return new CliError('usage', message, { exitCode: EXIT.usage, ...(next !== undefined && { next }) });
}
