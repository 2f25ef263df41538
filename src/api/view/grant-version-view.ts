import { z } from 'zod';
import type { GrantVersion } from '../../grant/grant.js';
import { instant, uuid } from '../schema/fields.js';
import { grantSpecBody, grantSpecBodyOf } from '../schema/grant-body.js';
import { instantOf } from './page-view.js';

/** One version of a grant, as it was saved. */
export const grantVersionView = z
  .object({
    grant_id: uuid,
    version: z.int(),
    spec: grantSpecBody,
    created_at: instant,
    created_by: z.string(),
    approved_by: z.string().nullable(),
  })
  .meta({ id: 'GrantVersionView' });
export type GrantVersionView = z.output<typeof grantVersionView>;

/** What admins see of a version. */
export function grantVersionViewOf(version: GrantVersion): GrantVersionView {
  return {
    grant_id: version.grantId,
    version: version.version,
    spec: grantSpecBodyOf(version.spec),
    created_at: instantOf(version.createdAt),
    created_by: version.createdBy,
    approved_by: version.approvedBy,
  };
}
