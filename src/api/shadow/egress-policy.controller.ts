import { Controller, Get, Query, Res } from '@nestjs/common';
import { z } from 'zod';
import { EgressPolicy, POLICY_KINDS } from '../../gateway/shadow/policy/egress-policy.js';
import { Roles } from '../access/access.js';
import type { ApiReply } from '../http/request.js';
import { Documented } from '../openapi/operation.js';

const namespace = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'is not a name of a namespace');

const policyQuery = z.strictObject({
  for: z.enum(POLICY_KINDS),
  namespace: namespace.default('leasegate').describe('Kubernetes namespace of the broker'),
  workers_namespace: namespace.default('default').describe('Kubernetes namespace of the workers'),
});
type PolicyQuery = z.output<typeof policyQuery>;

/** Policies that close the ways around the gateway. */
@Controller('v1/egress')
export class EgressPolicyController {
  constructor(private readonly policy: EgressPolicy) {}

  @Get('policy')
  @Roles('admin', 'auditor', 'operator')
  @Documented({
    id: 'readEgressPolicy',
    tag: 'Shadow calls',
    summary: 'Write an egress policy from the enabled tools; the same tools always give the same text',
    answer: { mediaType: 'text/plain' },
  })
  async read(
    @Query({ schema: policyQuery }) query: PolicyQuery,
    @Res({ passthrough: true }) reply: ApiReply,
  ): Promise<string> {
    void reply.type('text/plain; charset=utf-8');
    const { namespace, workers_namespace: workersNamespace } = query;
    return this.policy.write(query.for, { namespace, workersNamespace });
  }
}
