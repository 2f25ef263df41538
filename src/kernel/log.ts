/** Facts of a log line; secrets among them redact themselves. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Structured log. Ids of request, run and lease are fields, never part of the message. */
export abstract class Log {
  /** A log whose lines all carry these fields. */
  abstract child(fields: LogFields): Log;
  abstract debug(fields: LogFields, message: string): void;
  abstract info(fields: LogFields, message: string): void;
  abstract warn(fields: LogFields, message: string): void;
  abstract error(fields: LogFields, message: string): void;
}

/** A log that drops everything, for tests of pure parts. */
export class SilentLog extends Log {
  child(): Log {
    return this;
  }
  debug(): void {}
  info(): void {}
  warn(): void {}
  error(): void {}
}
