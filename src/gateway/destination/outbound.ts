import { Injectable } from '@nestjs/common';
import { setTimeout as wait } from 'node:timers/promises';
import { BrokerError } from '../../kernel/broker-error.js';
import { Clock } from '../../kernel/clock.js';
import { Ids } from '../../kernel/ids.js';
import { AddressOrder } from './address-order.js';
import { Exchange } from './exchange.js';
import { outboundError, refusal } from './fault.js';
import type { InjectedRequest, OutboundResponse } from './outbound-request.js';
import { outgoingHeaders } from './outgoing-headers.js';
import { OutboundPools, type VettedPool } from './pools.js';
import { isRedirect, redirected } from './redirect.js';
import { Sending } from './sending.js';
import { Destinations } from './vet.js';

/** How one request is sent. */
export interface OutboundOptions {
  /** The tool says that its host is an internal one. */
  readonly internal: boolean;
  /** URL templates that an answer may redirect to; none unless listed. */
  readonly redirects: readonly string[];
  /** PEM file that replaces the system's CAs. */
  readonly caFile?: string | undefined;
  /** For everything, from the name to the last byte of the body, retries and redirects included. */
  readonly timeoutMs: number;
  /** Ends it at once, in whatever state; its reason is what the caller or the reader of the body gets. */
  readonly signal: AbortSignal;
  /** Further attempts; only for GET, HEAD, PUT and DELETE, and only before an answer began. */
  readonly retries: number;
  /** Called once, just before the first byte leaves: from here on the provider may have seen the request. */
  readonly onSent?: (() => void) | undefined;
}

const MOST_REDIRECTS = 5;
const BACKOFF_MS = 50;
const IDEMPOTENT: ReadonlySet<string> = new Set(['GET', 'HEAD', 'PUT', 'DELETE']);
const PASSING: ReadonlySet<string> = new Set(['upstream_unreachable', 'upstream_timeout']);

/**
 * The only way out of the gateway. Connects to vetted addresses only, verifies TLS, follows no redirect that is not
 * listed, ignores proxies of the environment, and takes no answer that is not well-formed HTTP/1.1.
 */
@Injectable()
export class Outbound {
  readonly #order: AddressOrder;

  constructor(
    private readonly destinations: Destinations,
    private readonly pools: OutboundPools,
    clock: Clock,
    private readonly ids: Ids,
  ) {
    this.#order = new AddressOrder(clock);
  }

  /**
   * Sends a request and answers once the head of the final answer is here. Whoever gets the answer reads its body to
   * the end or destroys it; the deadline holds for the body, too.
   *
   * @throws BrokerError `destination_refused`, `destination_unresolvable`, `upstream_unreachable`,
   * `upstream_tls_refused`, `upstream_timeout`, `upstream_response_refused`, `redirect_refused`; `request_invalid` for
   * headers that cannot be sent; the reason of the signal when it ended the call.
   */
  async send(request: InjectedRequest, options: OutboundOptions): Promise<OutboundResponse> {
    const sending = new Sending(options, request.url.host);
    try {
      let current = request;
      for (let redirects = 0; ; redirects += 1) {
        const response = await this.#attempts(current, options, sending);
        const location = response.headers['location'];
        if (!isRedirect(response.status, location)) {
          sending.hold();
          return response;
        }
        response.body.destroy();
        if (redirects >= MOST_REDIRECTS) {
          throw refusal('redirect_refused', current.url.host, 'redirected too often');
        }
        current = redirected(current, response.status, location, options.redirects);
      }
    } catch (error) {
      sending.done();
      throw sending.reasonOr(error);
    }
  }

  async #attempts(
    request: InjectedRequest,
    options: OutboundOptions,
    sending: Sending,
  ): Promise<OutboundResponse> {
    const attempts = IDEMPOTENT.has(request.method) && request.upload === undefined ? options.retries : 0;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return await this.#attempt(request, options, sending);
      } catch (error) {
        const passing = error instanceof BrokerError && PASSING.has(error.code);
        if (!passing || attempt >= attempts || sending.ended) throw error;
        const backoffMs = BACKOFF_MS * 2 ** attempt * (0.5 + this.ids.fraction());
        await sending.race(wait(backoffMs));
      }
    }
  }

  /** Tries the vetted addresses in turn for as long as nothing was sent. */
  async #attempt(
    request: InjectedRequest,
    options: OutboundOptions,
    sending: Sending,
  ): Promise<OutboundResponse> {
    const headers = outgoingHeaders(request);
    const addresses = await sending.race(this.destinations.vet(request.url, options));
    const { url, clientCertificate } = request;
    const candidates = this.#order.of(addresses, (address) =>
      this.pools.has({ url, address, clientCertificate, caFile: options.caFile }),
    );
    for (let index = 0; ; index += 1) {
      const address = candidates[index];
      if (address === undefined) throw refusal('upstream_unreachable', url.host, 'no address left');
      const trial = this.#begin(address, request, headers, options, sending);
      try {
        return await trial.answered;
      } catch (error) {
        const passing = error instanceof BrokerError && PASSING.has(error.code);
        if (passing && !trial.started) this.#order.shun(address);
        if (!passing || trial.started || sending.ended || index + 1 >= candidates.length) throw error;
      }
    }
  }

  #begin(
    address: string,
    request: InjectedRequest,
    headers: Record<string, string>,
    options: OutboundOptions,
    sending: Sending,
  ): Exchange {
    const { url, method, body, clientCertificate } = request;
    let demand: VettedPool['demand'] | undefined;
    const exchange = new Exchange(method, url.host, address, {
      onSent: () => {
        if (demand !== undefined) demand.waiting -= 1;
        sending.sent();
      },
      onEnd: () => {
        if (demand !== undefined && !exchange.started) demand.waiting -= 1;
        sending.exchangeEnded();
      },
    });
    sending.begin(exchange);
    if (exchange.ended) return exchange;
    try {
      const vetted = this.pools.get({ url, address, clientCertificate, caFile: options.caFile });
      demand = vetted.demand;
      demand.waiting += 1;
      const path = `${url.pathname}${url.search}`;
      vetted.pool.dispatch({ path, method, headers, body: request.upload?.source ?? body ?? null }, exchange);
    } catch (error) {
      exchange.abort(outboundError(error, url.host));
    }
    return exchange;
  }
}
