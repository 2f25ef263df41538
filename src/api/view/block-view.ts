import { z } from 'zod';
import { BLOCK_KINDS, type Block } from '../../lease/kill/block.js';
import { instant, uuid } from '../schema/fields.js';
import { instantOf, instantOrNull } from './page-view.js';

/** A block in an answer. */
export const blockView = z
  .object({
    id: uuid,
    kind: z.enum(BLOCK_KINDS),
    issuer: z.string().nullable().describe('the exact `iss` of its tokens'),
    subject: z.string().nullable(),
    target: z.string().nullable().describe('mount of the secrets engine'),
    credentials: z.array(z.string()).describe('that a target’s block disabled, and lifting it enables'),
    reason: z.string(),
    until: instant.nullable().describe('when it ends by itself'),
    created_at: instant,
    created_by: z.string(),
    lifted_at: instant.nullable(),
    lifted_by: z.string().nullable(),
  })
  .meta({ id: 'BlockView' });
export type BlockView = z.output<typeof blockView>;

/** A new block, and the revocation of what was live. */
export const blockedView = z
  .object({ block: blockView, leases: z.int(), revocation: uuid })
  .meta({ id: 'BlockedView' });
export type BlockedView = z.output<typeof blockedView>;

/** What callers see of a block. */
export function blockViewOf(block: Block): BlockView {
  const { target } = block;
  return {
    id: block.id,
    kind: target.kind,
    issuer: target.kind === 'target' ? null : target.issuer,
    subject: target.kind === 'workload' ? target.subject : null,
    target: target.kind === 'target' ? target.mount : null,
    credentials: [...block.credentials],
    reason: block.reason,
    until: instantOrNull(block.until),
    created_at: instantOf(block.createdAt),
    created_by: block.createdBy,
    lifted_at: instantOrNull(block.liftedAt),
    lifted_by: block.liftedBy,
  };
}
