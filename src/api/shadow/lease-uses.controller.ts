import { Controller, Get, Param } from '@nestjs/common';
import { z } from 'zod';
import { LeaseUses } from '../../gateway/shadow/uses/lease-uses.js';
import { Leases } from '../../lease/leases.js';
import { Roles } from '../access/access.js';
import { Documented } from '../openapi/operation.js';
import { leaseUseView, leaseUseViewOf, type LeaseUseView } from './lease-use-view.js';

const usesView = z.object({ items: z.array(leaseUseView) }).meta({ id: 'LeaseUsesView' });

/** What others than the broker saw of a lease. */
@Controller('v1/leases')
export class LeaseUsesController {
  constructor(
    private readonly leases: Leases,
    private readonly uses: LeaseUses,
  ) {}

  @Get(':id/uses')
  @Roles('admin', 'auditor', 'operator')
  @Documented({
    id: 'listLeaseUses',
    tag: 'Leases',
    summary: "What Vault's own audit log and the logs of targets say of the use of a lease",
    description: 'Oldest first, at most 500 groups by path, address and span of time.',
    answer: usesView,
    errors: ['not_found'],
  })
  async list(@Param('id') id: string): Promise<{ items: LeaseUseView[] }> {
    const lease = await this.leases.get(id);
    return { items: (await this.uses.ofLease(lease.id)).map(leaseUseViewOf) };
  }
}
