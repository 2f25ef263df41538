import { BrokerError } from '../../kernel/broker-error.js';
import type { ApiRequest } from './request.js';

/** Formats of records, one a line, by media type. */
export const RECORD_MEDIA_TYPES = {
  'application/x-ndjson': 'jsonl',
  'application/jsonl': 'jsonl',
  'text/csv': 'csv',
} as const;
export type RecordFormat = (typeof RECORD_MEDIA_TYPES)[keyof typeof RECORD_MEDIA_TYPES];

/** Routes that take a file of records, whose bodies are handed on as text. */
export const RECORD_ROUTES: ReadonlySet<string> = new Set(['/v1/costs/imports']);

/** The largest file of records, in bytes. */
export const RECORD_LIMIT_BYTES = 4_194_304;

/** The file that a request carries; refuses another type with `media_type_unsupported`. */
export function recordFileOf(request: ApiRequest): { readonly format: RecordFormat; readonly text: string } {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const format = Object.hasOwn(RECORD_MEDIA_TYPES, type)
    ? RECORD_MEDIA_TYPES[type as keyof typeof RECORD_MEDIA_TYPES]
    : undefined;
  if (format === undefined || typeof request.body !== 'string')
    throw new BrokerError('media_type_unsupported', {
      detail: `takes ${Object.keys(RECORD_MEDIA_TYPES).join(', ')}`,
    });
  return { format, text: request.body };
}
