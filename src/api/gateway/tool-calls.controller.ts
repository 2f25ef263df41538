import { Body, Controller, Headers, Param, Post, Req, Res } from '@nestjs/common';
import { z } from 'zod';
import { Calls } from '../../gateway/call/calls.js';
import type { RunIdentity } from '../../identity/run-token.js';
import type { Caller } from '../../kernel/caller.js';
import { RunToken } from '../access/access.js';
import { CallerParam, RunParam } from '../access/principal.js';
import type { ApiReply, ApiRequest } from '../http/request.js';
import { Documented } from '../openapi/operation.js';
import { defined } from '../schema/defined.js';
import { abortOnHangUp } from './abort-on-hang-up.js';
import { callEnvelope, envelopeText } from './call-envelope.js';
import { withLimitHeaders } from './limit-headers.js';
import { callHeaders, passAnswer } from './pass-answer.js';
import { CALL_REFUSALS } from './call-refusals.js';

const values = z.record(z.string(), z.unknown()).optional();
const callBody = z.strictObject({
  arguments: z
    .strictObject({ path: values, query: values, header: values, body: z.unknown().optional() })
    .prefault({})
    .describe('what the parameters of the tool are filled with'),
  step_id: z
    .string()
    .max(256)
    .optional()
    .describe('the step that the call belongs to; that of the run token unless told'),
});
type CallBody = z.output<typeof callBody>;

/** Calls of tools by name. */
@Controller('v1/tools')
export class ToolCallsController {
  constructor(private readonly calls: Calls) {}

  @Post(':name/call')
  @RunToken({ gateway: true })
  @Documented({
    id: 'callTool',
    tag: 'Workers',
    summary: 'Call a tool',
    description:
      "The provider's answer is in `response`, whatever its status. With `Accept: text/event-stream`, an answer of a tool that streams is passed on as it comes instead.",
    answer: callEnvelope,
    errors: CALL_REFUSALS,
  })
  async call(
    @Param('name') tool: string,
    @Body({ schema: callBody }) body: CallBody,
    @RunParam() identity: RunIdentity,
    @CallerParam() caller: Caller,
    @Headers('accept') accept: string | undefined,
    @Req() request: ApiRequest,
    @Res() reply: ApiReply,
  ): Promise<void> {
    const { arguments: given, step_id: stepId } = body;
    const wanted = {
      tool,
      arguments: defined(given),
      ...(stepId === undefined ? {} : { stepId }),
      route: 'POST /v1/tools/:name/call',
    };
    const call = this.calls.call(identity, wanted, caller, abortOnHangUp(reply));
    const answer = await withLimitHeaders(reply, call);
    request.circumstances.callId = answer.callId;
    if (answer.streamed && accept?.includes('text/event-stream') === true) return passAnswer(reply, answer);
    const text = await envelopeText(answer);
    void reply.code(200).headers(callHeaders(answer)).type('application/json; charset=utf-8').send(text);
  }
}
