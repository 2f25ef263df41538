import { LeasegateError } from './leasegate-error.js';
import { parseRetryAfterMs } from './retry.js';

const LONGEST_PROBLEM_BYTES = 64 * 1024;

/** Makes an error of an answer that is not a success: RFC 9457 problem, OAuth error, or something else's answer. */
export async function errorOfAnswer(response: Response, nowMs: number): Promise<LeasegateError> {
  const retryAfterMs = parseRetryAfterMs(response.headers.get('retry-after'), nowMs);
  const body = fieldsOf(await response.text());
  const code = text(body['code']) ?? text(body['error']);
  if (code === undefined) {
    return new LeasegateError({
      code: 'broker_answer_unexpected',
      status: response.status,
      detail: `What answered (HTTP ${response.status}) does not answer like Leasegate; check the URL.`,
      retryAfterMs,
    });
  }
  return new LeasegateError({
    code,
    status: response.status,
    detail:
      text(body['detail']) ??
      text(body['error_description']) ??
      text(body['title']) ??
      `HTTP ${response.status}`,
    reference: text(body['reference']) ?? response.headers.get('x-request-id') ?? undefined,
    field: text(body['field']),
    errors: fieldErrors(body['errors']),
    confirmation: text(body['confirmation']),
    retryAfterMs,
    usableUntil: instant(body['usable_until']),
  });
}

function instant(value: unknown): Date | null | undefined {
  if (value === null) return null;
  const atMs = typeof value === 'string' ? Date.parse(value) : NaN;
  return Number.isNaN(atMs) ? undefined : new Date(atMs);
}

function fieldsOf(raw: string): Readonly<Record<string, unknown>> {
  if (raw.length > LONGEST_PROBLEM_BYTES) return {};
  try {
    const parsed: unknown = JSON.parse(raw);
    return typeof parsed === 'object' && parsed !== null ? { ...parsed } : {};
  } catch {
    return {};
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function fieldErrors(value: unknown): { field: string; message: string }[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry: unknown) => {
    if (typeof entry !== 'object' || entry === null || !('field' in entry) || !('message' in entry))
      return [];
    return [{ field: String(entry.field), message: String(entry.message) }];
  });
}
