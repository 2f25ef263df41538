import { z } from 'zod';
import { BrokerError } from '../kernel/broker-error.js';

/** Names of grants and credentials; also what the database checks. */
export const nameSchema = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,62}$/,
    'lower-case letters, digits and dashes, beginning with a letter, at most 63',
  );

/** Free text by key, for people and filters; never read by a decision. */
export const labelsSchema = z
  .record(
    z.string().regex(/^[a-z][a-z0-9._/-]{0,62}$/, 'keys are lower-case, at most 63 characters'),
    z.string().max(256),
  )
  .refine((labels) => Object.keys(labels).length <= 32, 'has more than 32 labels')
  .default({});

/**
 * Finds, in JSON text, what PostgreSQL's jsonb does not take: NUL, and surrogates without a partner (which
 * `JSON.stringify` escapes).
 */
export const UNSTORABLE = /(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f])/;

/** Checks what an admin sent; refuses the first fault with `request_invalid` and a JSON pointer to the field. */
export function parseSpec<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const result = schema.safeParse(input);
  if (result.success) {
    if (UNSTORABLE.test(JSON.stringify(result.data)))
      throw new BrokerError('request_invalid', {
        detail: 'has a text with NUL or half a surrogate pair in it',
      });
    return result.data;
  }
  const issue = result.error.issues[0];
  const keys =
    issue?.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : (issue?.path ?? []);
  throw new BrokerError('request_invalid', {
    field: pointer(keys),
    detail: issue?.message ?? 'is not valid',
  });
}

const NAMED_BY_ADMINS: readonly PropertyKey[] = ['claims', 'labels', 'parameters'];

/** A JSON pointer (RFC 6901) to a place in a spec, with fields named as the API names them: in snake_case. */
export function pointer(path: readonly PropertyKey[]): string {
  return path
    .map((key, index) => {
      const text = String(key);
      const named = NAMED_BY_ADMINS.includes(path[index - 1] ?? '');
      const field = named ? text : text.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      return `/${field.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    })
    .join('');
}

/** Refuses a page size that no list here gives. */
export function checkLimit(limit: number): number {
  if (Number.isInteger(limit) && limit >= 1 && limit <= 500) return limit;
  throw new BrokerError('request_invalid', { field: 'limit', detail: 'is not a number from 1 to 500' });
}
