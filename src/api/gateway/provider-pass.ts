import type { RunIdentity } from '../../identity/run-token.js';
import type { Caller } from '../../kernel/caller.js';
import type { ApiReply, ApiRequest } from '../http/request.js';
import { abortOnHangUp } from './abort-on-hang-up.js';
import { withLimitHeaders } from './limit-headers.js';
import { passAnswer } from './pass-answer.js';
import { ProviderBody } from './provider-body.js';
import type { ProviderCalls } from './provider-calls.js';

const STEP_HEADER = 'leasegate-step';

/** Makes the call that a request to `/g/{provider}/…` stands for, and passes its answer on. */
export async function passProviderCall(
  providerCalls: ProviderCalls,
  provider: string,
  identity: RunIdentity,
  caller: Caller,
  request: ApiRequest,
  reply: ApiReply,
): Promise<void> {
  const { method, headers } = request;
  const { source, lengthBytes } = request.circumstances.unread ?? { source: request.raw, lengthBytes: 0 };
  const body = new ProviderBody(source, lengthBytes, providerCalls.wholeLimitBytes);
  const step = headers[STEP_HEADER];
  const stepId = Array.isArray(step) ? step.join(', ') : step;
  const call = providerCalls.call(
    identity,
    { provider, method, target: targetOf(request), headers, body, stepId },
    caller,
    abortOnHangUp(reply),
  );
  const answer = await withLimitHeaders(reply, call);
  request.circumstances.callId = answer.callId;
  passAnswer(reply, answer);
}

/** As it was sent, not as the router decoded it: the template is matched against what the provider would get. */
function targetOf(request: ApiRequest): string {
  const url = request.raw.url ?? '/';
  return url.slice(url.indexOf('/', '/g/'.length));
}
