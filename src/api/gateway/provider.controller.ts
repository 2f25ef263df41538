import { Controller, Delete, Get, Param, Patch, Post, Put, Req, Res } from '@nestjs/common';
import type { RunIdentity } from '../../identity/run-token.js';
import type { Caller } from '../../kernel/caller.js';
import { RunToken } from '../access/access.js';
import { CallerParam, RunParam } from '../access/principal.js';
import type { ApiReply, ApiRequest } from '../http/request.js';
import { Documented, type Operation } from '../openapi/operation.js';
import { abortOnHangUp } from './abort-on-hang-up.js';
import { CALL_REFUSALS } from './call-refusals.js';
import { withLimitHeaders } from './limit-headers.js';
import { passAnswer } from './pass-answer.js';
import { ProviderCalls } from './provider-calls.js';

const STEP_HEADER = 'leasegate-step';

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

  private async pass(
    provider: string,
    identity: RunIdentity,
    caller: Caller,
    request: ApiRequest,
    reply: ApiReply,
  ): Promise<void> {
    const { method, headers } = request;
    const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const step = headers[STEP_HEADER];
    const stepId = Array.isArray(step) ? step.join(', ') : step;
    const call = this.providerCalls.call(
      identity,
      { provider, method, target: targetOf(request), headers, body, stepId },
      caller,
      abortOnHangUp(reply),
    );
    const answer = await withLimitHeaders(reply, call);
    request.circumstances.callId = answer.callId;
    passAnswer(reply, answer);
  }
}

/** As it was sent, not as the router decoded it: the template is matched against what the provider would get. */
function targetOf(request: ApiRequest): string {
  const url = request.raw.url ?? '/';
  return url.slice(url.indexOf('/', '/g/'.length));
}
