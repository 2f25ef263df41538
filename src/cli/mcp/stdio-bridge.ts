import { eventData } from './event-stream.js';
import {
  errorAnswer,
  INTERNAL_ERROR,
  INVALID_REQUEST,
  messageIn,
  PARSE_ERROR,
  type Message,
} from './message.js';
import { requestHeaders } from './request-headers.js';

/** What a bridge needs of the world around it. */
export interface BridgeParts {
  /** Sends one message to the broker's `/mcp`, with the run token. */
  post(body: string, headers: Readonly<Record<string, string>>, signal: AbortSignal): Promise<Response>;
  /** Writes one line of the protocol. */
  write(line: string): void;
  /** Says what went wrong in words, when there was no answer; also tells the person who looks at standard error. */
  explain(error: unknown): { readonly code: string; readonly detail: string };
}

/**
 * The Model Context Protocol over standard input and output, handed on to the broker message by message. It knows no
 * tools and decides nothing: whatever revision a client speaks reaches the broker as it is, and so does its answer.
 */
export class StdioBridge {
  readonly #open = new Map<string | number, AbortController>();
  readonly #work = new Set<Promise<void>>();
  /** Revision of the handshake, for clients of 2025. */
  #negotiated: string | undefined;

  constructor(private readonly parts: BridgeParts) {}

  /** Takes one line. Answers come when they come; nothing is awaited here. */
  take(line: string): void {
    if (line.trim() === '') return;
    let message: Message | undefined;
    try {
      message = messageIn(line);
    } catch {
      this.#write(errorAnswer(null, PARSE_ERROR, 'Parse error: the line is not JSON'));
      return;
    }
    if (message === undefined) {
      this.#write(
        errorAnswer(null, INVALID_REQUEST, 'Invalid request: the line is not one JSON-RPC message'),
      );
      return;
    }
    // The broker never asks, so there is nothing that an answer could be for.
    if (message.method === undefined) return;
    if (message.method === 'notifications/cancelled') {
      // Closing the connection cancels, in either revision.
      this.#open.get(message.params?.['requestId'] as string | number)?.abort();
      return;
    }
    const work = this.#send(message, line).finally(() => this.#work.delete(work));
    this.#work.add(work);
  }

  /** Waits until everything that was taken is answered. */
  async idle(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work);
  }

  /** Gives up whatever is open. */
  abort(): void {
    for (const controller of this.#open.values()) controller.abort();
  }

  async #send(message: Message, body: string): Promise<void> {
    const { id, method } = message;
    const controller = new AbortController();
    if (id !== undefined) this.#open.set(id, controller);
    try {
      const headers = requestHeaders(message, this.#negotiated);
      const response = await this.parts.post(body, headers, controller.signal);
      const answered = await this.#passOn(response, message);
      if (id !== undefined && !answered)
        this.#write(
          errorAnswer(id, INTERNAL_ERROR, `The broker did not answer ${method} (status ${response.status}).`),
        );
    } catch (error) {
      if (controller.signal.aborted) return;
      const { code, detail } = this.parts.explain(error);
      if (id !== undefined) this.#write(errorAnswer(id, INTERNAL_ERROR, `${code}: ${detail}`, { code }));
    } finally {
      if (id !== undefined && this.#open.get(id) === controller) this.#open.delete(id);
    }
  }

  /** Writes what came; answers whether the request was answered by it. */
  async #passOn(response: Response, request: Message): Promise<boolean> {
    const type = response.headers.get('content-type') ?? '';
    if (response.body !== null && /^text\/event-stream\b/i.test(type)) {
      let answered = false;
      for await (const data of eventData(response.body)) answered = this.#receive(data, request) || answered;
      return answered;
    }
    const text = await response.text();
    if (text !== '' && /\bjson\b/i.test(type)) {
      if (/^application\/json\b/i.test(type) && this.#receive(text, request)) return true;
      return this.#refused(text, request);
    }
    return false;
  }

  #receive(text: string, request: Message): boolean {
    const message = messageIn(text);
    if (message === undefined) return false;
    const version = message.result?.['protocolVersion'];
    if (request.method === 'initialize' && typeof version === 'string') this.#negotiated = version;
    this.#write(message);
    return message.method === undefined;
  }

  /** A refusal of the broker itself (RFC 9457), such as of the token. */
  #refused(text: string, { id }: Message): boolean {
    const {
      code = 'refused',
      detail,
      title = '',
      reference,
    } = JSON.parse(text) as Partial<Record<string, string>>;
    const said = this.parts.explain(new Error(`${code}: ${detail ?? title}`));
    if (id !== undefined)
      this.#write(
        errorAnswer(id, INTERNAL_ERROR, said.detail, {
          code,
          ...(reference === undefined ? {} : { reference }),
        }),
      );
    return true;
  }

  #write(message: unknown): void {
    // JSON has no line break outside of strings, and escapes those inside.
    this.parts.write(`${JSON.stringify(message)}\n`);
  }
}
