import { Body, Controller, Delete, Get, Param, Post, Query, Res } from '@nestjs/common';
import { z } from 'zod';
import { IssuerRegistry } from '../../identity/issuer-registry.js';
import { BrokerError } from '../../kernel/broker-error.js';
import type { Caller } from '../../kernel/caller.js';
import type { BlockTarget } from '../../lease/kill/block.js';
import { Blocks } from '../../lease/kill/blocks.js';
import { Roles } from '../access/access.js';
import { AdminParam, CallerParam } from '../access/principal.js';
import type { AdminIdentity, ApiReply } from '../http/request.js';
import { Documented } from '../openapi/operation.js';
import { flag, pageOfViews, pageQuery } from '../schema/fields.js';
import { blockBody, type BlockBody } from '../schema/kill-body.js';
import { blockedView, blockView, blockViewOf, type BlockedView, type BlockView } from '../view/block-view.js';
import { pageView, type PageView } from '../view/page-view.js';
import { issuerUrlOf } from './issuer-url.js';
import { revocationPath } from './revocations.controller.js';

const blocksQuery = z.strictObject({
  standing: flag.optional().describe('only those that stand, or only those that were lifted'),
  ...pageQuery,
});
type BlocksQuery = z.output<typeof blocksQuery>;
const liftQuery = z.strictObject({ reason: z.string().min(1).max(500).optional() });
type LiftQuery = z.output<typeof liftQuery>;

/** Workloads, issuers and targets that nothing is leased to or from for now. */
@Controller('v1/blocks')
export class BlocksController {
  constructor(
    private readonly blocks: Blocks,
    private readonly issuers: IssuerRegistry,
  ) {}

  @Get()
  @Roles('admin', 'approver', 'auditor', 'operator')
  @Documented({
    id: 'listBlocks',
    tag: 'Operation',
    summary: 'List blocks, newest first',
    answer: pageOfViews(blockView),
  })
  async list(@Query({ schema: blocksQuery }) query: BlocksQuery): Promise<PageView<BlockView>> {
    return pageView(await this.blocks.list(query), blockViewOf);
  }

  @Post()
  @Roles('admin', 'operator')
  @Documented({
    id: 'createBlock',
    tag: 'Operation',
    summary: 'Block a workload, an issuer or a target',
    description:
      'What is live of it is revoked: `revocation` says where that can be watched. A block of the same that stands already stays as it is. A target needs the role `admin`.',
    status: 201,
    answer: blockedView,
    errors: ['role_required'],
    idempotency: 'replays',
  })
  async create(
    @Body({ schema: blockBody }) body: BlockBody,
    @CallerParam() caller: Caller,
    @AdminParam() { roles }: AdminIdentity,
    @Res({ passthrough: true }) reply: ApiReply,
  ): Promise<BlockedView> {
    const target = targetOf(body, (named) => issuerUrlOf(this.issuers, named));
    if (target.kind === 'target' && !roles.includes('admin'))
      throw new BrokerError('role_required', { detail: 'needs one of: admin' });
    const until = body.until === undefined ? undefined : new Date(body.until);
    const blocked = await this.blocks.block(caller, { target, reason: body.reason, until });
    void reply.header('location', revocationPath(blocked.revocationId));
    return {
      block: blockViewOf(blocked.block),
      leases: blocked.leases,
      revocation: blocked.revocationId,
    };
  }

  @Delete(':id')
  @Roles('admin')
  @Documented({
    id: 'liftBlock',
    tag: 'Operation',
    summary: 'Lift a block; runs and leases that ended stay dead',
    answer: blockView,
    errors: ['not_found', 'state_transition_refused'],
  })
  async lift(
    @Param('id') id: string,
    @Query({ schema: liftQuery }) { reason }: LiftQuery,
    @CallerParam() caller: Caller,
  ): Promise<BlockView> {
    return blockViewOf(await this.blocks.lift(caller, id, reason));
  }
}

function targetOf({ workload, issuer, target }: BlockBody, issuerOf: (named: string) => string): BlockTarget {
  if (workload !== undefined)
    return { kind: 'workload', issuer: issuerOf(workload.issuer), subject: workload.subject };
  if (issuer !== undefined) return { kind: 'issuer', issuer: issuerOf(issuer) };
  return { kind: 'target', mount: target ?? '' };
}
