import { Body, Controller, Delete, Headers, Param, Post, Req, Res } from '@nestjs/common';
import type { Caller } from '../../kernel/caller.js';
import type { RunIdentity } from '../../identity/run-token.js';
import { LeaseEnd } from '../../lease/end.js';
import { LeaseIssue } from '../../lease/issue.js';
import type { Lease } from '../../lease/lease.js';
import { LeaseRenewal } from '../../lease/renew.js';
import { Settings } from '../../settings/schema.js';
import { abortOnHangUp } from '../gateway/abort-on-hang-up.js';
import { RunToken } from '../access/access.js';
import { CallerParam, RunParam } from '../access/principal.js';
import { idempotencyKeyOf } from '../idempotency/idempotency-key.js';
import { Documented } from '../openapi/operation.js';
import { defined } from '../schema/defined.js';
import { leaseViewOf, type LeaseView } from '../view/lease-view.js';
import { instantOf } from '../view/page-view.js';
import type { ApiReply, ApiRequest } from '../http/request.js';
import {
  issuedLeaseView,
  leaseBody,
  oneLeaseView,
  renewBody,
  type IssuedLeaseView,
  type LeaseBody,
  type RenewBody,
} from './worker-schema.js';

/** What workers do with leases. The answer of {@link issue} is the one place of the API where a credential leaves. */
@Controller('v1/leases')
export class WorkerLeasesController {
  constructor(
    private readonly leaseIssue: LeaseIssue,
    private readonly renewal: LeaseRenewal,
    private readonly leaseEnd: LeaseEnd,
    private readonly settings: Settings,
  ) {}

  @Post()
  @RunToken()
  @Documented({
    id: 'issueLease',
    tag: 'Workers',
    summary: 'Lease a credential',
    description:
      'The credential is in this answer and nowhere else. With the same `Idempotency-Key` again, the earlier lease is revoked and a new one issued: there are never two.',
    status: 201,
    answer: issuedLeaseView,
    errors: [
      'credential_not_granted',
      'credential_disabled',
      'credential_unknown',
      'delivery_refused',
      'ttl_refused',
      'run_closed',
      'grant_not_active',
      'grant_limit_reached',
      'lease_in_progress',
      'credential_unavailable',
      'vault_unavailable',
      'vault_sealed',
      'share_exceeded',
      'overloaded',
    ],
    idempotency: 'supersedes',
  })
  async issue(
    @Body({ schema: leaseBody }) body: LeaseBody,
    @RunParam() identity: RunIdentity,
    @CallerParam() caller: Caller,
    @Headers('idempotency-key') key: string | undefined,
    @Req() request: ApiRequest,
    @Res({ passthrough: true }) reply: ApiReply,
  ): Promise<IssuedLeaseView> {
    const issued = await this.leaseIssue.issue(
      identity,
      defined({
        credential: body.credential,
        ttlSeconds: body.ttl_seconds,
        delivery: body.delivery,
        stepId: body.step_id,
        idempotencyKey: idempotencyKeyOf(key),
      }),
      caller,
      abortOnHangUp(reply),
    );
    request.circumstances.leaseId = issued.lease.id;
    const { wrapping } = issued;
    return {
      lease: leaseViewOf(issued.lease),
      ...(issued.credential === undefined ? {} : { credential: issued.credential.expose() }),
      ...(wrapping === undefined
        ? {}
        : {
            wrapping: {
              token: wrapping.token.expose(),
              expires_at: instantOf(wrapping.expiresAt),
              vault_address: this.settings.values.vault.address,
            },
          }),
    };
  }

  @Post(':id/renew')
  @RunToken()
  @Documented({
    id: 'renewLease',
    tag: 'Workers',
    summary: 'Renew a lease of the own run',
    description:
      'Decides grant and run again. Renewing twice is renewing once more; no idempotency key is needed.',
    answer: oneLeaseView,
    errors: [
      'not_found',
      'lease_not_active',
      'lease_not_renewable',
      'run_closed',
      'grant_not_active',
      'ttl_refused',
    ],
  })
  renew(
    @Param('id') id: string,
    @Body({ schema: renewBody }) body: RenewBody,
    @RunParam() identity: RunIdentity,
    @CallerParam() caller: Caller,
    @Req() request: ApiRequest,
  ): Promise<{ lease: LeaseView }> {
    request.circumstances.leaseId = id;
    const wanted = defined({ ttlSeconds: body.ttl_seconds });
    return answer(this.renewal.renew(identity, id, wanted, caller));
  }

  @Delete(':id')
  @RunToken()
  @Documented({
    id: 'releaseLease',
    tag: 'Workers',
    summary: 'Release a lease of the own run',
    description: 'Waits a while for the proof that the credential is dead; `state` says whether it came.',
    answer: oneLeaseView,
    errors: ['not_found'],
  })
  release(
    @Param('id') id: string,
    @RunParam() identity: RunIdentity,
    @CallerParam() caller: Caller,
    @Req() request: ApiRequest,
  ): Promise<{ lease: LeaseView }> {
    request.circumstances.leaseId = id;
    return answer(this.leaseEnd.release(identity, id, caller));
  }
}

async function answer(lease: Promise<Lease>): Promise<{ lease: LeaseView }> {
  return { lease: leaseViewOf(await lease) };
}
