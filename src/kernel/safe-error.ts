import { BrokerError } from './broker-error.js';
import type { LogFields } from './log.js';

const CODE = /^[A-Za-z0-9_]{2,64}$/;
const FRAMES = 8;

/**
 * What may be written down about something thrown: its kind and its code, never its message. Messages of database
 * drivers and of Vault clients quote values, and values may be secrets.
 */
export function safeErrorText(error: unknown): string {
  if (error instanceof BrokerError) return error.code;
  if (!(error instanceof Error)) return 'something that is no error was thrown';
  const code = codeOf(error);
  return code === undefined ? error.name : `${error.name} (${code})`;
}

/** The fields of a log line about something thrown: its safe text and where it came from. */
export function safeErrorFields(error: unknown): LogFields {
  const fields: Record<string, unknown> = { error: safeErrorText(error) };
  if (error instanceof BrokerError && error.internal !== undefined) fields['internal'] = error.internal;
  if (error instanceof Error) fields['at'] = framesOf(error);
  return fields;
}

function codeOf(error: Error): string | undefined {
  for (const holder of [error, (error as { driverError?: unknown }).driverError, error.cause]) {
    const code = (holder as { code?: unknown } | null | undefined)?.code;
    if (typeof code === 'string' && CODE.test(code)) return code;
  }
  return undefined;
}

// The stack begins with the message, and a line of that may look like a frame.
function framesOf(error: Error): string[] {
  return (error.stack ?? '')
    .replace(error.message, '')
    .split('\n')
    .filter((line) => /^\s+at .+:\d+:\d+\)?$/.test(line))
    .slice(0, FRAMES)
    .map((line) => line.trim());
}
