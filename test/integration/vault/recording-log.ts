import { inspect } from 'node:util';
import { Log, type LogFields } from '../../../src/kernel/log.js';

/** Keeps all lines, as JSON and as `inspect` shows them. */
export class RecordingLog extends Log {
  readonly lines: string[] = [];

  child(fields: LogFields): Log {
    this.#keep(fields, 'child');
    return this;
  }
  debug(fields: LogFields, message: string): void {
    this.#keep(fields, message);
  }
  info(fields: LogFields, message: string): void {
    this.#keep(fields, message);
  }
  warn(fields: LogFields, message: string): void {
    this.#keep(fields, message);
  }
  error(fields: LogFields, message: string): void {
    this.#keep(fields, message);
  }

  #keep(fields: LogFields, message: string): void {
    this.lines.push(
      `${message} ${JSON.stringify(fields)} ${inspect(fields, { depth: 10, showHidden: true })}`,
    );
  }
}
