import { rateLimitHeaders } from '../../gateway/admission/rate-limit-headers.js';
import type { CallAnswer } from '../../gateway/call/call-answer.js';
import type { ApiReply } from '../http/request.js';

/** Under which name every answer of the gateway says which call it was. */
const CALL_HEADER = 'leasegate-call';

/** The headers that are ours: which call it was, and what the limits stand at. */
export function callHeaders(answer: CallAnswer): Record<string, string> {
  return { [CALL_HEADER]: answer.callId, ...rateLimitHeaders(answer.limits) };
}

/** Passes an answer on as the provider gave it: its status, the headers that may be seen, its body. */
export function passAnswer(reply: ApiReply, answer: CallAnswer): void {
  void reply.code(answer.status).headers({ ...answer.headers, ...callHeaders(answer) });
  void reply.send(answer.content ?? answer.body);
  // The head of a stream goes ahead: its first event may be long in coming. Headers of ours stand there once Fastify has
  // written all of them, and until then there is nothing to send ahead.
  if (!answer.streamed) return;
  setImmediate(() => {
    if (reply.raw.hasHeader(CALL_HEADER) && !reply.raw.headersSent) reply.raw.flushHeaders();
  });
}
