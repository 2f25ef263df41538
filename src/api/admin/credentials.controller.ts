import { Body, Controller, Get, Headers, Param, Post, Put, Query, Res } from '@nestjs/common';
import { z } from 'zod';
import type { Caller } from '../../kernel/caller.js';
import { CREDENTIAL_KINDS } from '../../credential/credential.js';
import { CredentialCatalogue } from '../../credential/credential-catalogue.js';
import { Roles } from '../access/access.js';
import { CallerParam } from '../access/principal.js';
import type { ApiReply } from '../http/request.js';
import { tag, versionOf } from '../http/versions.js';
import { Documented } from '../openapi/operation.js';
import { defined } from '../schema/defined.js';
import { flag, pageOfViews, pageQuery, reasonBody, type ReasonBody } from '../schema/fields.js';
import {
  credentialBody,
  credentialSpecOf,
  credentialView,
  credentialViewOf,
  type CredentialBody,
  type CredentialView,
} from '../view/credential-view.js';
import { pageView, type PageView } from '../view/page-view.js';
import { revocationPath } from './revocations.controller.js';

const credentialsQuery = z.strictObject({
  kind: z.enum(CREDENTIAL_KINDS).optional(),
  enabled: flag.optional(),
  ...pageQuery,
});
type CredentialsQuery = z.output<typeof credentialsQuery>;

/** The catalogue: which credentials there are, and how Vault makes them. */
@Controller('v1/credentials')
export class CredentialsController {
  constructor(private readonly catalogue: CredentialCatalogue) {}

  @Post()
  @Roles('admin')
  @Documented({
    id: 'createCredential',
    tag: 'Credentials',
    summary: 'Add a credential to the catalogue',
    status: 201,
    answer: credentialView,
    errors: ['name_taken'],
    versioned: 'answers',
    idempotency: 'replays',
  })
  async create(
    @Body({ schema: credentialBody }) body: CredentialBody,
    @CallerParam() caller: Caller,
    @Res({ passthrough: true }) reply: ApiReply,
  ): Promise<CredentialView> {
    return tag(reply, credentialViewOf(await this.catalogue.create(caller, credentialSpecOf(body))));
  }

  @Get()
  @Roles('admin', 'approver', 'auditor', 'operator')
  @Documented({
    id: 'listCredentials',
    tag: 'Credentials',
    summary: 'List the catalogue',
    answer: pageOfViews(credentialView),
  })
  async list(
    @Query({ schema: credentialsQuery }) query: CredentialsQuery,
  ): Promise<PageView<CredentialView>> {
    return pageView(await this.catalogue.list(defined(query)), credentialViewOf);
  }

  @Get(':name')
  @Roles('admin', 'approver', 'auditor', 'operator')
  @Documented({
    id: 'readCredential',
    tag: 'Credentials',
    summary: 'Read a credential of the catalogue; never its secret',
    answer: credentialView,
    errors: ['not_found'],
    versioned: 'answers',
  })
  async read(
    @Param('name') name: string,
    @Res({ passthrough: true }) reply: ApiReply,
  ): Promise<CredentialView> {
    return tag(reply, credentialViewOf(await this.catalogue.get(name)));
  }

  @Put(':name')
  @Roles('admin')
  @Documented({
    id: 'changeCredential',
    tag: 'Credentials',
    summary: 'Change a credential, for new leases and renewals',
    answer: credentialView,
    errors: ['not_found', 'precondition_failed'],
    versioned: 'requires',
  })
  async change(
    @Param('name') name: string,
    @Body({ schema: credentialBody }) body: CredentialBody,
    @Headers('if-match') ifMatch: string | undefined,
    @CallerParam() caller: Caller,
    @Res({ passthrough: true }) reply: ApiReply,
  ): Promise<CredentialView> {
    const version = versionOf(ifMatch);
    return tag(
      reply,
      credentialViewOf(await this.catalogue.change(caller, name, credentialSpecOf(body), version)),
    );
  }

  @Post(':name/disable')
  @Roles('admin')
  @Documented({
    id: 'disableCredential',
    tag: 'Credentials',
    summary: 'Disable a credential, and end every lease of it',
    description: '`Location` says where the end of the leases can be watched.',
    answer: credentialView,
    errors: ['not_found', 'state_transition_refused'],
    idempotency: 'replays',
  })
  async disable(
    @Param('name') name: string,
    @Body({ schema: reasonBody }) { reason }: ReasonBody,
    @CallerParam() caller: Caller,
    @Res({ passthrough: true }) reply: ApiReply,
  ): Promise<CredentialView> {
    const disabled = await this.catalogue.disable(caller, name, reason);
    void reply.header('location', revocationPath(disabled.revocationId));
    return tag(reply, credentialViewOf(disabled));
  }

  @Post(':name/enable')
  @Roles('admin')
  @Documented({
    id: 'enableCredential',
    tag: 'Credentials',
    summary: 'Enable a credential again',
    answer: credentialView,
    errors: ['not_found', 'state_transition_refused'],
    idempotency: 'replays',
  })
  async enable(
    @Param('name') name: string,
    @Body({ schema: reasonBody }) { reason }: ReasonBody,
    @CallerParam() caller: Caller,
    @Res({ passthrough: true }) reply: ApiReply,
  ): Promise<CredentialView> {
    return tag(reply, credentialViewOf(await this.catalogue.enable(caller, name, reason)));
  }
}
