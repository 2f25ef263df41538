import { z } from 'zod';
import { instant } from '../schema/fields.js';
import { ERROR_CODES, type ErrorCode } from '../../kernel/error-codes.js';

const code = z
  .enum(Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]])
  .describe('stable; the catalogue is in the documentation')
  .meta({ id: 'ErrorCode' });
const reference = z.string().describe('also in the log and in the event');

/** How refusals and failures are answered. */
export const ERROR_SCHEMAS = {
  problem: z
    .object({
      type: z.string(),
      title: z.string(),
      status: z.int(),
      detail: z.string().optional(),
      code,
      reference,
      field: z.string().optional().describe('JSON pointer into the body, or name of a parameter'),
      errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
      usable_until: instant
        .nullish()
        .describe(
          'of a renewal that was refused: until when the credential works all the same; null when it is dead or being ended',
        ),
      confirmation: z.string().optional().describe('of `confirmation_required`: what to send back'),
      leases: z.int().optional().describe('of `confirmation_required`: how many would end'),
    })
    .meta({ id: 'Problem' }),
  oauth: z
    .object({
      error: z.string().describe('RFC 6749 §5.2, RFC 8693 §2.2.2'),
      error_description: z.string(),
      error_uri: z.string(),
      code,
      reference,
    })
    .meta({ id: 'OAuthError' }),
} as const;
