import { z } from 'zod';
import { nameSchema } from '../../credential/spec.js';
import { GRANT_STATES } from '../../grant/grant.js';
import { filterText, pageQuery, platformId } from '../schema/fields.js';
import { grantSpecBody } from '../schema/grant-body.js';

const MOST_TOKEN_CHARACTERS = 32_768;

/** A new grant. */
export const grantCreateBody = z
  .strictObject({
    ...grantSpecBody.shape,
    state: z.enum(['draft', 'active']).optional().describe('`active` unless told'),
  })
  .meta({ id: 'GrantCreateBody' });
export type GrantCreateBody = z.output<typeof grantCreateBody>;

/** Which grants. */
export const grantsQuery = z.strictObject({
  state: z.enum(GRANT_STATES).optional(),
  issuer: nameSchema.optional(),
  credential: nameSchema.optional(),
  tool: nameSchema.optional(),
  label: z
    .string()
    .regex(/^[^=]{1,63}(=.{0,256})?$/, 'is `key` or `key=value`')
    .optional()
    .describe('`key` or `key=value`'),
  ...pageQuery,
});
export type GrantsQuery = z.output<typeof grantsQuery>;

/** A token to explain, and what would be asked for with it. */
export const explainBody = z
  .strictObject({
    token: z.string().min(1).max(MOST_TOKEN_CHARACTERS).describe('the OIDC token of a workload'),
    grant: filterText.optional(),
    run_id: platformId.optional(),
    step_id: platformId.optional(),
  })
  .meta({ id: 'ExplainBody' });
export type ExplainBody = z.output<typeof explainBody>;
