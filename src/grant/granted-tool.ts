import { z } from 'zod';
import { nameSchema } from '../credential/spec.js';

const scalar = z.union([z.string().max(8_192), z.number(), z.boolean(), z.null()]);
const place = z
  .string()
  .min(2)
  .max(512)
  .regex(
    /^\/(?:(?:path|query|header)\/[^/]+|body(?:\/.*)?)$/,
    'is no pointer such as /path/NAME or /body/MEMBER',
  );

/**
 * A tool that a grant allows, and what it leaves of it. The same in the API as here: what could be renamed are
 * pointers into the tool's own arguments.
 */
export const grantedToolSchema = z.strictObject({
  name: nameSchema,
  constants: z
    .record(place, scalar)
    .optional()
    .describe('values by JSON pointer (`/path/user_id`) that are filled in; another value is refused'),
  allow: z
    .record(place, z.array(scalar).min(1).max(256))
    .optional()
    .describe('by JSON pointer, values of which one has to be there; of a list, each member has to be one'),
  cel: z
    .string()
    .max(2_048)
    .optional()
    .describe('CEL over `args` (`args.path`, `args.query`, `args.header`, `args.body`) that must be true'),
});
export type GrantedTool = z.output<typeof grantedToolSchema>;
