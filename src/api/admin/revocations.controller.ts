import { Body, Controller, Get, Headers, Param, Post, Query, Res } from '@nestjs/common';
import { z } from 'zod';
import { IssuerRegistry } from '../../identity/issuer-registry.js';
import { BrokerError } from '../../kernel/broker-error.js';
import type { Caller } from '../../kernel/caller.js';
import { KillSwitch } from '../../lease/kill/kill-switch.js';
import { REVOCATION_STATES } from '../../lease/kill/revocation.js';
import { Revocations } from '../../lease/kill/revocations.js';
import { Settings } from '../../settings/schema.js';
import { Roles } from '../access/access.js';
import { AdminParam, CallerParam } from '../access/principal.js';
import type { AdminIdentity, ApiReply } from '../http/request.js';
import { Documented } from '../openapi/operation.js';
import { pageOfViews, pageQuery } from '../schema/fields.js';
import { killBody, killSelectorOf, type KillBody } from '../schema/kill-body.js';
import { pageView, type PageView } from '../view/page-view.js';
import {
  previewViewOf,
  revocationProgressView,
  revocationProgressViewOf,
  type RevocationProgressView,
} from '../view/revocation-view.js';
import { issuerUrlOf } from './issuer-url.js';
import { RevocationStreams } from './revocation-stream.js';

const revocationsQuery = z.strictObject({ state: z.enum(REVOCATION_STATES).optional(), ...pageQuery });
type RevocationsQuery = z.output<typeof revocationsQuery>;

/** The kill switch, and what became of everything that was revoked together. */
@Controller('v1/revocations')
export class RevocationsController {
  constructor(
    private readonly killSwitch: KillSwitch,
    private readonly revocations: Revocations,
    private readonly streams: RevocationStreams,
    private readonly issuers: IssuerRegistry,
    private readonly settings: Settings,
  ) {}

  @Post()
  @Roles('admin', 'operator')
  @Documented({
    id: 'kill',
    tag: 'Operation',
    summary: 'Kill everything that a selector names',
    description:
      'Nothing new is leased or called on any replica once it has answered. Waits a while for the proofs that the leases are dead; `outstanding` is what is left, and `GET /v1/revocations/{id}` shows how it goes on. A credential, a target and `grants: revoke` need the role `admin`.',
    answer: revocationProgressView,
    errors: ['not_found', 'confirmation_required', 'role_required'],
    idempotency: 'replays',
  })
  async kill(
    @Body({ schema: killBody }) body: KillBody,
    @CallerParam() caller: Caller,
    @AdminParam() admin: AdminIdentity,
    @Res({ passthrough: true }) reply: ApiReply,
  ): Promise<RevocationProgressView> {
    const selector = killSelectorOf(body.selector, (named) => issuerUrlOf(this.issuers, named));
    refuseAct(admin, body);
    if (body.dry_run === true) return previewViewOf(selector, await this.killSwitch.preview(selector));
    const { reason, confirmation, grants, until } = body;
    const wanted = {
      selector,
      reason,
      confirmation,
      grants,
      until: until === undefined ? undefined : new Date(until),
    };
    const { revokeWaitMs } = this.settings.values.leases;
    const progress = await this.killSwitch.kill(caller, wanted, revokeWaitMs);
    void reply.header('location', revocationPath(progress.revocation.id));
    return revocationProgressViewOf(progress);
  }

  @Get()
  @Roles('admin', 'approver', 'auditor', 'operator')
  @Documented({
    id: 'listRevocations',
    tag: 'Operation',
    summary: 'List what was revoked together, newest first',
    answer: pageOfViews(revocationProgressView),
  })
  async list(
    @Query({ schema: revocationsQuery }) query: RevocationsQuery,
  ): Promise<PageView<RevocationProgressView>> {
    return pageView(await this.revocations.list(query), revocationProgressViewOf);
  }

  @Get(':id')
  @Roles('admin', 'approver', 'auditor', 'operator')
  @Documented({
    id: 'watchRevocation',
    tag: 'Operation',
    summary: 'Read how far a revocation is',
    description:
      'With `Accept: text/event-stream`, an event `progress` for each change and `done` with the last, as server-sent events.',
    answer: revocationProgressView,
    errors: ['not_found'],
  })
  async read(
    @Param('id') id: string,
    @Headers('accept') accept: string | undefined,
    @Res() reply: ApiReply,
  ): Promise<void> {
    const progress = await this.revocations.progress(id);
    if (accept?.includes('text/event-stream') === true) {
      void reply.header('cache-control', 'no-store').type('text/event-stream').send(this.streams.of(id));
      return;
    }
    void reply
      .type('application/json; charset=utf-8')
      .send(JSON.stringify(revocationProgressViewOf(progress)));
  }
}

/** Where a revocation can be watched. */
export function revocationPath(id: string): string {
  return `/v1/revocations/${id}`;
}

/** What these acts need by themselves is needed here too. */
function refuseAct({ roles }: AdminIdentity, { selector, grants }: KillBody): void {
  if (roles.includes('admin')) return;
  if (selector.credential === undefined && selector.target === undefined && grants !== 'revoke') return;
  throw new BrokerError('role_required', { detail: 'needs one of: admin' });
}
