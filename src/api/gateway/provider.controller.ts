import { Controller, Delete, Get, Param, Patch, Post, Put, Req, Res } from '@nestjs/common';
import type { RunIdentity } from '../../identity/run-token.js';
import type { Caller } from '../../kernel/caller.js';
import { RunToken } from '../access/access.js';
import { CallerParam, RunParam } from '../access/principal.js';
import type { ApiReply, ApiRequest } from '../http/request.js';
import { Documented, type Operation } from '../openapi/operation.js';
import { CALL_REFUSALS } from './call-refusals.js';
import { ProviderCalls } from './provider-calls.js';
import { passProviderCall } from './provider-pass.js';

function operation(method: string): Operation {
  return {
    id: `callProviderBy${method}`,
    tag: 'Workers',
    summary: `Call a provider as its SDK does (${method.toUpperCase()})`,
    description:
      'What follows `/g/{provider}` is the path at the provider; `provider` is the name of a tool, or the label `provider` of several. The run token is the key, in whichever header the SDK sends it; `Leasegate-Step` names the step.',
    answer: { mediaType: '*/*' },
    errors: CALL_REFUSALS,
  };
}

/** Stands in for providers: an ordinary SDK works with another base URL and the run token as its key. */
@Controller('g')
export class ProviderController {
  constructor(private readonly providerCalls: ProviderCalls) {}

  @Get(':provider/*')
  @RunToken({ gateway: true })
  @Documented(operation('Get'))
  get(
    @Param('provider') provider: string,
    @Param('*') _path: string,
    @RunParam() identity: RunIdentity,
    @CallerParam() caller: Caller,
    @Req() request: ApiRequest,
    @Res() reply: ApiReply,
  ): Promise<void> {
    return this.pass(provider, identity, caller, request, reply);
  }

  @Post(':provider/*')
  @RunToken({ gateway: true })
  @Documented(operation('Post'))
  post(
    @Param('provider') provider: string,
    @Param('*') _path: string,
    @RunParam() identity: RunIdentity,
    @CallerParam() caller: Caller,
    @Req() request: ApiRequest,
    @Res() reply: ApiReply,
  ): Promise<void> {
    return this.pass(provider, identity, caller, request, reply);
  }

  @Put(':provider/*')
  @RunToken({ gateway: true })
  @Documented(operation('Put'))
  put(
    @Param('provider') provider: string,
    @Param('*') _path: string,
    @RunParam() identity: RunIdentity,
    @CallerParam() caller: Caller,
    @Req() request: ApiRequest,
    @Res() reply: ApiReply,
  ): Promise<void> {
    return this.pass(provider, identity, caller, request, reply);
  }

  @Patch(':provider/*')
  @RunToken({ gateway: true })
  @Documented(operation('Patch'))
  patch(
    @Param('provider') provider: string,
    @Param('*') _path: string,
    @RunParam() identity: RunIdentity,
    @CallerParam() caller: Caller,
    @Req() request: ApiRequest,
    @Res() reply: ApiReply,
  ): Promise<void> {
    return this.pass(provider, identity, caller, request, reply);
  }

  @Delete(':provider/*')
  @RunToken({ gateway: true })
  @Documented(operation('Delete'))
  delete(
    @Param('provider') provider: string,
    @Param('*') _path: string,
    @RunParam() identity: RunIdentity,
    @CallerParam() caller: Caller,
    @Req() request: ApiRequest,
    @Res() reply: ApiReply,
  ): Promise<void> {
    return this.pass(provider, identity, caller, request, reply);
  }

  private pass(
    provider: string,
    identity: RunIdentity,
    caller: Caller,
    request: ApiRequest,
    reply: ApiReply,
  ): Promise<void> {
    return passProviderCall(this.providerCalls, provider, identity, caller, request, reply);
  }
}
