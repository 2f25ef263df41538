import type { LoggerService } from '@nestjs/common';
import type { Log } from '../../kernel/log.js';

/** Nest's own messages, in our log: its start-up chatter at debug level. */
export class NestLog implements LoggerService {
  constructor(private readonly sink: Log) {}

  log(message: unknown): void {
    this.sink.debug({ from: 'nest' }, textOf(message));
  }
  error(message: unknown): void {
    this.sink.error({ from: 'nest', ...(message instanceof Error ? { err: message } : {}) }, textOf(message));
  }
  warn(message: unknown): void {
    this.sink.warn({ from: 'nest' }, textOf(message));
  }
}

function textOf(message: unknown): string {
  if (typeof message === 'string') return message;
  return message instanceof Error ? message.message : 'a message that is not text';
}
