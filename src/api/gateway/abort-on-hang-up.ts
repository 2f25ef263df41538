import type { ApiReply } from '../http/request.js';

/** Aborts when the caller hangs up before its answer was sent. */
export function abortOnHangUp(reply: ApiReply): AbortSignal {
  const abort = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) abort.abort();
  });
  return abort.signal;
}
