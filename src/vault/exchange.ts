import type { Dispatcher, Pool } from 'undici';

/** A request as undici takes it. */
export interface OutgoingRequest {
  readonly path: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly headers: Record<string, string>;
  readonly body: string | null;
}

/** A whole answer. */
export interface ReceivedAnswer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** No answer, or not all of it, within the time. */
export class ExchangeTimeout extends Error {
  override readonly name = 'ExchangeTimeout';
}

/**
 * Sends a request and reads all of its answer within `timeoutMs`, waiting for a free connection included. Rejects with
 * {@link ExchangeTimeout}, or with undici's error. By undici's dispatch: its `request` makes a stream and a signal for
 * each answer, which costs as much again as the exchange. https://undici.nodejs.org/#/docs/api/Dispatcher
 */
export function exchange(pool: Pool, request: OutgoingRequest, timeoutMs: number): Promise<ReceivedAnswer> {
  return new Promise((resolve, reject) => {
    let controller: Dispatcher.DispatchController | undefined;
    let late = false;
    let statusCode = 0;
    let headers: ReceivedAnswer['headers'] = {};
    const chunks: Buffer[] = [];
    const timer = setTimeout(() => {
      late = true;
      controller?.abort(new ExchangeTimeout());
      reject(new ExchangeTimeout());
    }, timeoutMs);
    pool.dispatch(request, {
      onRequestStart(started) {
        controller = started;
        // It may have waited for a connection for longer than anybody waits for it; it is not sent then.
        if (late) started.abort(new ExchangeTimeout());
      },
      onResponseStart(_controller, status, received) {
        statusCode = status;
        headers = received;
      },
      onResponseData(_controller, chunk) {
        chunks.push(chunk);
      },
      onResponseEnd() {
        clearTimeout(timer);
        resolve({ statusCode, headers, text: Buffer.concat(chunks).toString('utf8') });
      },
      onResponseError(_controller, error) {
        clearTimeout(timer);
        reject(error);
      },
    });
  });
}
