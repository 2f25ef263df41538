import { LimitRefusal } from '../../gateway/admission/limit-refusal.js';
import { rateLimitHeaders } from '../../gateway/admission/rate-limit-headers.js';
import type { ApiReply } from '../http/request.js';

/** Waits for a call; where a limit refuses it, the answer's header says how that limit stands. */
export async function withLimitHeaders<T>(reply: ApiReply, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof LimitRefusal) void reply.headers(rateLimitHeaders(error.limits));
    throw error;
  }
}
