import { addressField, parseObject, textField } from './host-field.js';

/** What a line of a PostgreSQL log says of a login. */
export interface PostgresLogin {
  readonly at: Date;
  readonly result: 'connected' | 'refused';
  readonly user: string;
  readonly database: string | undefined;
  /** Where the line itself says it. */
  readonly source: string | undefined;
  readonly process: string | undefined;
}

/** A line by which a process says who reached it; plain logs say it there and not with the login. */
export interface PostgresArrival {
  readonly process: string;
  readonly source: string;
}

/** What a line is. `other` is every line of a log that is not about a login. */
export type PostgresLine = PostgresLogin | PostgresArrival | 'other' | 'unreadable';

const TIME =
  /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2}(?:\.\d{1,6})?) (UTC|GMT|[+-]\d{2}(?::?\d{2})?)(?=[ ,[:]|$)/;
const ARRIVED = /^connection received: host=(\S+)/;
const AUTHORIZED = /^connection authorized: user=(\S+)(?: database=(\S+))?/;
const REFUSED = [
  /^(?:\w+ )+authentication failed for user "([^"]+)"/,
  /^role "([^"]+)" (?:does not exist|is not permitted to log in)/,
];
const CSV_FIELD = /"((?:[^"]|"")*)"|([^,]*)/y;

/**
 * Reads a line of a PostgreSQL log with `log_connections`: `jsonlog`, `csvlog`, or plain text whose `log_line_prefix`
 * has the time (`%m` or `%t`) first and the process as `[%p]`. Times must be UTC or an offset (`log_timezone`).
 */
export function readPostgresLog(line: string): PostgresLine {
  if (line.startsWith('{')) return readJson(line);
  // What goes on from the line before: a statement, a hint, a detail.
  if (/^[\t ]/.test(line)) return 'other';
  const time = TIME.exec(line);
  if (time === null) return 'unreadable';
  return line[time[0].length] === ',' ? readCsv(line) : readPlain(line, time[0]);
}

function readJson(line: string): PostgresLine {
  const entry = parseObject(line);
  const at = timeOf(entry?.['timestamp']);
  const message = entry?.['message'];
  if (entry === undefined || at === undefined) return 'unreadable';
  if (typeof message !== 'string') return 'other';
  const { pid } = entry;
  return readMessage(message, at, {
    process: typeof pid === 'number' ? String(pid) : undefined,
    source: addressField(entry['remote_host']),
    database: textField(entry['dbname']),
  });
}

/** Columns: time, user, database, process, connection, …, message as the 14th (PostgreSQL, "Using CSV-Format Log Output"). */
function readCsv(line: string): PostgresLine {
  const fields: string[] = [];
  CSV_FIELD.lastIndex = 0;
  while (fields.length < 14) {
    const field = CSV_FIELD.exec(line);
    if (field === null) break;
    fields.push(field[1]?.replaceAll('""', '"') ?? field[2] ?? '');
    if (line[CSV_FIELD.lastIndex] !== ',') break;
    CSV_FIELD.lastIndex += 1;
  }
  const [time, , database, process, connection] = fields;
  const at = timeOf(time);
  const message = fields[13];
  if (at === undefined) return 'unreadable';
  if (message === undefined) return 'other';
  return readMessage(message, at, {
    process: textField(process),
    source: addressField(connection),
    database: textField(database),
  });
}

function readPlain(line: string, time: string): PostgresLine {
  const at = timeOf(time);
  if (at === undefined) return 'unreadable';
  const level = / (?:LOG|FATAL): {2}/.exec(line);
  if (level === null) return 'other';
  const process = /\[(\d{1,10})\]/.exec(line.slice(0, level.index))?.[1];
  return readMessage(line.slice(level.index + level[0].length), at, {
    process,
    source: undefined,
    database: undefined,
  });
}

type Said = Pick<PostgresLogin, 'process' | 'source' | 'database'>;

function readMessage(message: string, at: Date, said: Said): PostgresLine {
  const host = addressField(ARRIVED.exec(message)?.[1]);
  if (host !== undefined && said.process !== undefined) return { process: said.process, source: host };
  const authorized = AUTHORIZED.exec(message);
  if (authorized !== null) {
    const user = textField(authorized[1]);
    if (user === undefined) return 'other';
    return { ...said, at, result: 'connected', user, database: said.database ?? textField(authorized[2]) };
  }
  for (const pattern of REFUSED) {
    const user = textField(pattern.exec(message)?.[1]);
    if (user !== undefined) return { ...said, at, result: 'refused', user };
  }
  return 'other';
}

function timeOf(text: unknown): Date | undefined {
  const parts = typeof text === 'string' ? TIME.exec(text) : null;
  if (parts === null) return undefined;
  const [, day, time, zone = ''] = parts;
  const offset = /^[+-]/.test(zone)
    ? zone.replace(
        /^([+-]\d{2}):?(\d{2})?$/,
        (_, hours: string, minutes?: string) => `${hours}:${minutes ?? '00'}`,
      )
    : 'Z';
  const at = new Date(`${day}T${time}${offset}`);
  return Number.isNaN(at.getTime()) ? undefined : at;
}
