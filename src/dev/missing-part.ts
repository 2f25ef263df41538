/**
 * Something that the evaluation needs is not on this machine. The message says what, and every way to get it.
 * Commands that end because of it exit with 3.
 */
export class MissingPart extends Error {
  constructor(
    readonly part: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'MissingPart';
  }
}

/** The exit code of a command that lacks a dependency. */
export const MISSING_PART_EXIT_CODE = 3;
