import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { Agent, request, type Dispatcher } from 'undici';
import { AddressRefusedError, isPublicAddress, vettedLookup } from '../../identity/vetted-lookup.js';
import { DeliveryError } from './channel.js';

/** Most of an answer that is read. */
const ANSWER_BYTES = 65_536;

/**
 * POSTs to a receiver: https to a public address that was vetted, unless the receiver is internal; no redirects, no
 * proxy from the environment, certificates verified.
 */
export class GuardedPost {
  readonly #agent: Agent;

  constructor(
    private readonly internal: boolean,
    caFile?: string,
  ) {
    this.#agent = new Agent({
      connect: {
        ...(internal ? {} : { lookup: vettedLookup() }),
        ...(caFile === undefined ? {} : { ca: readFileSync(caFile) }),
      },
      pipelining: 1,
      connections: 4,
    });
  }

  /** Resolves when the receiver answered with 2xx; throws {@link DeliveryError} otherwise. */
  async send(
    address: string,
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<void> {
    await this.ask(address, headers, body, signal);
  }

  /** Sends, and answers the beginning of what the receiver answered with 2xx. */
  async ask(
    address: string,
    headers: Readonly<Record<string, string>>,
    body: string,
    signal: AbortSignal,
  ): Promise<string> {
    const url = this.vetted(address);
    let response: Dispatcher.ResponseData;
    try {
      response = await request(url, {
        method: 'POST',
        dispatcher: this.#agent,
        headers: { 'content-type': 'application/json', 'user-agent': 'leasegate', ...headers },
        body,
        signal,
      });
    } catch (error) {
      throw unreachable(error, signal);
    }
    const answer = await beginning(response.body, signal);
    const { statusCode } = response;
    if (statusCode >= 200 && statusCode < 300) return answer;
    throw new DeliveryError(
      `the receiver answered ${statusCode}`,
      retryAfterMs(response.headers['retry-after']),
      statusCode,
    );
  }

  close(): Promise<void> {
    return this.#agent.close();
  }

  private vetted(address: string): URL {
    const url = URL.canParse(address) ? new URL(address) : undefined;
    if (url === undefined || !/^https?:$/.test(url.protocol))
      throw new DeliveryError('the address of the receiver is not a URL of http or https');
    if (this.internal) return url;
    // A socket does not look a literal address up, so it has to be vetted here.
    const literal = url.hostname.replace(/^\[(.*)\]$/, '$1');
    if (url.protocol !== 'https:' || (isIP(literal) !== 0 && !isPublicAddress(literal)))
      throw new DeliveryError('the receiver is neither public over https nor set as internal');
    return url;
  }
}

function unreachable(error: unknown, signal: AbortSignal): DeliveryError {
  if (error instanceof AddressRefusedError)
    return new DeliveryError('the receiver has no public address, and is not set as internal');
  if (signal.aborted) return new DeliveryError('the receiver took too long');
  const code = (error as { code?: unknown }).code;
  const known = typeof code === 'string' && /^[A-Z0-9_]{2,64}$/.test(code) ? ` (${code})` : '';
  return new DeliveryError(`the receiver cannot be reached${known}`);
}

function retryAfterMs(header: string | string[] | undefined): number {
  const seconds = typeof header === 'string' && /^\d{1,6}$/.test(header) ? Number(header) : 0;
  return seconds * 1_000;
}

/** Never throws: what matters has been said by the status. */
async function beginning(body: Dispatcher.ResponseData['body'], signal: AbortSignal): Promise<string> {
  const parts: Buffer[] = [];
  let bytes = 0;
  const onAbort = (): void => void body.destroy();
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for await (const part of body as AsyncIterable<Buffer>) {
      parts.push(part);
      bytes += part.length;
      if (bytes > ANSWER_BYTES) break;
    }
  } catch {
    // An answer that broke off is as good as none.
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
  return Buffer.concat(parts).toString('utf8', 0, ANSWER_BYTES);
}
