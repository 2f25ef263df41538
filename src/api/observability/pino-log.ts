import { writeSync } from 'node:fs';
import {
  destination as pinoDestination,
  pino,
  stdTimeFunctions,
  type DestinationStream,
  type Logger,
} from 'pino';
import { Log, type LogFields } from '../../kernel/log.js';
import { safeErrorFields } from '../../kernel/safe-error.js';
import type { Settings } from '../../settings/schema.js';

/** Names that only ever hold secrets; redacted at the top of a line and one level below. */
const SECRET_NAMES = [
  'authorization',
  'token',
  'access_token',
  'subject_token',
  'client_token',
  'password',
  'secret',
  'secret_id',
  'private_key',
  'cookie',
  'dpop',
];

/** The process's log: JSON Lines, one line an event, secrets redacted even where somebody logs them by mistake. */
export function createLogger(settings: Settings, destination?: DestinationStream): Logger {
  const options = {
    level: settings.values.log.level,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: SECRET_NAMES.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
    // Fastify hands whole requests and replies to some of its lines.
    serializers: { err: safeError, req: () => undefined, res: () => undefined },
  };
  return pino(options, destination ?? standardOutput());
}

/** What waits to be written; beyond it lines are lost. */
const MOST_WAITING_BYTES = 16 * 1_048_576;

/**
 * The destination of log lines. Where they cannot be written (a disk that is full, a pipe whose reader went away) the
 * broker goes on, since what it did is in the audit log: lines wait for it to pass, and are lost where too many do. It is
 * said on standard error once.
 */
export function standardOutput(
  fileDescriptor = 1,
  complain: (text: string) => void = onStandardError,
): DestinationStream {
  const output = pinoDestination({ dest: fileDescriptor, maxLength: MOST_WAITING_BYTES });
  let said = false;
  output.on('error', (error: NodeJS.ErrnoException) => {
    if (said) return;
    said = true;
    complain(`{"level":"error","msg":"the log cannot be written","code":"${error.code ?? error.name}"}\n`);
  });
  return output;
}

/** As it is, and at once: a stream would emit an error of its own where that one cannot be written to either. */
function onStandardError(text: string): void {
  try {
    writeSync(2, text);
  } catch {
    // There is nobody left to be told.
  }
}

const MOST_CAUSES = 5;

/** What of an error may be logged: kind, code and place, down its causes. Messages of drivers and clients quote values. */
function safeError(error: unknown): unknown {
  const links: unknown[] = [];
  for (let current = error; links.length < MOST_CAUSES; current = causeOf(current)) {
    links.push(safeErrorFields(current));
    if (causeOf(current) === undefined) break;
  }
  return links.length === 1 ? links[0] : links;
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined;
}

/** {@link Log} on pino. */
export class PinoLog extends Log {
  constructor(private readonly logger: Logger) {
    super();
  }

  child(fields: LogFields): Log {
    return new PinoLog(this.logger.child(fields, { serializers: { err: safeError } }));
  }
  debug(fields: LogFields, message: string): void {
    this.logger.debug(fields, message);
  }
  info(fields: LogFields, message: string): void {
    this.logger.info(fields, message);
  }
  warn(fields: LogFields, message: string): void {
    this.logger.warn(fields, message);
  }
  error(fields: LogFields, message: string): void {
    this.logger.error(fields, message);
  }
}
