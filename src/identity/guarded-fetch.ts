import { isIP } from 'node:net';
import { Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Agent, request } from 'undici';
import { AddressRefusedError, isPublicAddress, vettedLookup } from './vetted-lookup.js';

/** Why a guarded fetch gave nothing. */
export type FetchFault =
  'url_refused' | 'address_refused' | 'network' | 'timeout' | 'status' | 'too_large' | 'not_json';

/** The only error that {@link GuardedFetch} throws; its message has the host and never the body. */
export class GuardedFetchError extends Error {
  constructor(
    readonly fault: FetchFault,
    message: string,
    cause?: unknown,
  ) {
    super(message, { cause });
    this.name = 'GuardedFetchError';
  }
}

/** What a single fetch may do. */
export interface FetchLimits {
  /** Lets it reach private and loopback addresses, and use plain http. */
  readonly allowPrivateAddress: boolean;
  readonly maxBytes: number;
  /** For everything: name, connection, headers and body. */
  readonly timeoutMs: number;
}

/**
 * Fetches from addresses that others name. Only public addresses unless told; the vetted address is the one that is
 * connected to; https, no redirects, no credentials in the URL, no proxy from the environment, bounded size and time.
 */
@Injectable()
export class GuardedFetch implements OnApplicationShutdown {
  // Two pools: a connection to a private address must not be there to be reused by a guarded fetch.
  readonly #guarded = new Agent({ connect: { lookup: vettedLookup() }, pipelining: 1, connections: 4 });
  readonly #open = new Agent({ pipelining: 1, connections: 4 });

  /** The JSON value that a GET yields; throws {@link GuardedFetchError}. */
  async json(address: string, limits: FetchLimits): Promise<unknown> {
    const url = this.#vetted(address, limits);
    const signal = AbortSignal.timeout(limits.timeoutMs);
    try {
      const response = await request(url, {
        dispatcher: limits.allowPrivateAddress ? this.#open : this.#guarded,
        headers: { accept: 'application/json' },
        signal,
      });
      if (response.statusCode !== 200) {
        response.body.on('error', () => undefined).destroy();
        throw new GuardedFetchError('status', `${url.host} answered ${response.statusCode}`);
      }
      return parse(await bounded(response.body, limits.maxBytes, url), url);
    } catch (error) {
      throw faultOf(error, url, signal);
    }
  }

  /** Closes what is connected. */
  async onApplicationShutdown(): Promise<void> {
    await Promise.all([this.#guarded.close(), this.#open.close()]);
  }

  #vetted(address: string, limits: FetchLimits): URL {
    const url = parseUrl(address);
    if (url === null) throw new GuardedFetchError('url_refused', 'the address is not a URL');
    const plain = url.protocol === 'http:' && limits.allowPrivateAddress;
    if ((url.protocol !== 'https:' && !plain) || url.username !== '' || url.password !== '') {
      throw new GuardedFetchError('url_refused', `${url.host}: only https without credentials is fetched`);
    }
    // A socket does not look a literal address up, so it has to be vetted here.
    const literal = url.hostname.replace(/^\[(.*)\]$/, '$1');
    if (isIP(literal) !== 0 && !limits.allowPrivateAddress && !isPublicAddress(literal)) {
      throw new GuardedFetchError('address_refused', `${url.host} is not a public address`);
    }
    return url;
  }
}

async function bounded(body: AsyncIterable<Buffer>, maxBytes: number, url: URL): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > maxBytes) {
      throw new GuardedFetchError('too_large', `${url.host} answered more than ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function parse(bytes: Buffer, url: URL): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    throw new GuardedFetchError('not_json', `${url.host} did not answer JSON`);
  }
}

function faultOf(error: unknown, url: URL, signal: AbortSignal): GuardedFetchError {
  if (error instanceof GuardedFetchError) return error;
  if (error instanceof AddressRefusedError) {
    return new GuardedFetchError('address_refused', error.message, error);
  }
  if (signal.aborted) return new GuardedFetchError('timeout', `${url.host} took too long`, error);
  return new GuardedFetchError('network', `${url.host} cannot be reached`, error);
}

function parseUrl(address: string): URL | null {
  try {
    return new URL(address);
  } catch {
    return null;
  }
}
