import { Readable } from 'node:stream';
import type { Dispatcher } from 'undici';
import type { OutboundResponse } from './outbound-request.js';
import { refusal, outboundError } from './fault.js';
import { readHead } from './response-head.js';

type Controller = Dispatcher.DispatchController;

/** Most interim answers (1xx) before the final one. */
const MOST_INTERIM = 8;
const NO_HEADERS: readonly Buffer[] = [];

/** What an exchange is told about. */
export interface ExchangeHooks {
  /** Just before the first byte is written: from here on the provider may have seen the request. */
  readonly onSent: () => void;
  /** Once, when nothing more will happen: the body ended, failed, or was destroyed. */
  readonly onEnd: () => void;
}

/** One request and its answer on a pool of connections. */
export class Exchange implements Dispatcher.DispatchHandler {
  /** Settles once the head of the final answer is here, or will never be. */
  readonly answered: Promise<OutboundResponse>;
  #resolve!: (response: OutboundResponse) => void;
  #reject!: (error: Error) => void;
  #controller: Controller | undefined;
  #body: AnswerBody | undefined;
  #ended: Error | true | undefined;
  #started = false;
  #interim = 0;

  constructor(
    private readonly method: string,
    private readonly host: string,
    private readonly address: string,
    private readonly hooks: ExchangeHooks,
  ) {
    this.answered = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  /** Whether its first byte left, or was about to. */
  get started(): boolean {
    return this.#started;
  }

  /** Whether nothing more will come. */
  get ended(): boolean {
    return this.#ended !== undefined;
  }

  /** Ends it, whether it waits for a connection, for an answer, or is in the middle of one. */
  abort(reason: Error): void {
    if (this.#ended !== undefined) return;
    this.#end(reason);
    this.#controller?.abort(reason);
  }

  onRequestStart(controller: Controller): void {
    this.#controller = controller;
    // Given up while it waited for a free connection: it must not be written any more.
    if (this.#ended !== undefined) return controller.abort(this.#ended === true ? gone() : this.#ended);
    this.#started = true;
    this.hooks.onSent();
  }

  onResponseStart(controller: Controller, status: number): void {
    if (this.#ended !== undefined) return;
    if (status < 200) {
      this.#interim += 1;
      if (this.#interim > MOST_INTERIM || status === 101) this.#refuse('interim answers without end');
      return;
    }
    const raw = Array.isArray(controller.rawHeaders) ? controller.rawHeaders : NO_HEADERS;
    const head = readHead(status, raw);
    if ('refused' in head) return this.#refuse(head.refused);
    const body = new AnswerBody(controller, (error) => {
      // Every body is destroyed at its end, too; an error is dear to make.
      if (this.#ended === undefined) this.abort(error ?? gone());
    });
    this.#body = body;
    this.#resolve({ status, headers: head.headers, body, address: this.address });
    // These have no body whatever their headers say (RFC 9112 §6.3); the parser counts bytes that never come.
    if (this.method === 'HEAD' || status === 204 || status === 304) this.#end(undefined);
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (this.#ended !== undefined) return;
    if (this.#body?.push(chunk) === false) controller.pause();
  }

  onResponseEnd(): void {
    this.#end(undefined);
  }

  onResponseError(_controller: Controller, error: Error): void {
    this.#end(outboundError(error, this.host));
  }

  #refuse(why: string): void {
    this.abort(refusal('upstream_response_refused', this.host, why));
  }

  #end(error: Error | undefined): void {
    if (this.#ended !== undefined) return;
    this.#ended = error ?? true;
    this.hooks.onEnd();
    if (error === undefined) this.#body?.push(null);
    else if (this.#body === undefined) this.#reject(error);
    else this.#body.destroy(error);
  }
}

/** The body as it comes; a reader that is slow slows the provider down, and one that goes away ends the connection. */
class AnswerBody extends Readable {
  constructor(
    private readonly controller: Controller,
    private readonly onGone: (error: Error | null) => void,
  ) {
    super({ highWaterMark: 65_536 });
    // Whoever dropped the answer has been told; an error that nobody listens for must not end the process.
    this.on('error', () => undefined);
  }

  override _read(): void {
    this.controller.resume();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.onGone(error);
    callback(error);
  }
}

function gone(): Error {
  return new Error('nobody reads the answer');
}
