import { z } from 'zod';
import { GRANT_STATES, type Grant } from '../../grant/grant.js';
import { instant, uuid } from '../schema/fields.js';
import { grantSpecBody, grantSpecBodyOf } from '../schema/grant-body.js';
import { instantOf, instantOrNull } from './page-view.js';

/** A grant, at one of its versions, in an answer. */
export const grantView = z
  .object({
    id: uuid,
    name: z.string(),
    state: z.enum(GRANT_STATES),
    version: z.int().describe('what If-Match compares'),
    spec: grantSpecBody,
    expires_at: instant.nullable(),
    created_at: instant,
    created_by: z.string(),
    updated_at: instant,
    warnings: z.array(z.string()).describe('what an admin should look at; never a reason to refuse'),
  })
  .meta({ id: 'GrantView' });
export type GrantView = z.output<typeof grantView>;

/** What admins see of a grant. */
export function grantViewOf(grant: Grant): GrantView {
  return {
    id: grant.id,
    name: grant.name,
    state: grant.state,
    version: grant.version,
    spec: grantSpecBodyOf(grant.spec),
    expires_at: instantOrNull(grant.expiresAt),
    created_at: instantOf(grant.createdAt),
    created_by: grant.createdBy,
    updated_at: instantOf(grant.updatedAt),
    warnings: [...grant.warnings],
  };
}
