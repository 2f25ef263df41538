import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import { BrokerError, hasCode } from '../../kernel/broker-error.js';
import { Clock } from '../../kernel/clock.js';
import { Settings } from '../../settings/schema.js';
import { canonicalAddress, isAllowedAddress, type Reach } from './address.js';
import { parseHost, type ParsedHost } from './host.js';
import { OwnAddresses } from './own-addresses.js';
import { Resolver } from './resolver.js';

/** How long a vetting holds, and from when on it is done again beside the calls that still use it. */
const HOLDS_MS = 5_000;
const REFRESH_MS = 2_500;
const RESOLVE_MS = 5_000;
const MOST_HOSTS = 2_048;
const MOST_ADDRESSES = 64;

/** Names that mean this machine or network wherever they are asked for (RFC 6761, RFC 6762, RFC 8375, ICANN). */
const LOCAL_NAMES = /(^|\.)(localhost|localdomain|local|internal|invalid|onion|home\.arpa)$/;

interface Vetted {
  readonly addresses: readonly string[];
  readonly atMs: number;
}

/** Decides where calls may go: one name, all of its addresses, and no other address gets connected to. */
@Injectable()
export class Destinations {
  readonly #allowedPorts: ReadonlySet<number>;
  readonly #vetted = new LRUCache<string, Vetted>({ max: MOST_HOSTS });
  readonly #asking = new Map<string, Promise<Vetted>>();

  constructor(
    private readonly resolver: Resolver,
    private readonly own: OwnAddresses,
    private readonly clock: Clock,
    settings: Settings,
  ) {
    this.#allowedPorts = new Set(settings.values.gateway.allowedPorts);
  }

  /**
   * The addresses that a URL's host has, all of them allowed; at least one. Remembered for at most 5 s by host.
   *
   * @throws BrokerError `destination_refused` when scheme, port, spelling or *any* address is not allowed, and
   * `destination_unresolvable` when the name has no address. Neither says which address it was: that would map the
   * network for the caller.
   */
  async vet(url: URL, reach: Reach): Promise<readonly string[]> {
    if (url.username !== '' || url.password !== '') throw refused(url, 'it carries userinfo');
    const key = `${reach.internal ? 'internal' : 'public'} ${url.protocol}//${url.host}`;
    const known = this.#vetted.get(key);
    const ageMs = known === undefined ? Infinity : this.clock.monotonicMs() - known.atMs;
    if (known !== undefined && ageMs < HOLDS_MS) {
      // Nobody waits for this one; what it finds, refusals too, holds for the next call.
      if (ageMs >= REFRESH_MS) this.#ask(key, url, reach).catch(() => undefined);
      return known.addresses;
    }
    return (await this.#ask(key, url, reach)).addresses;
  }

  /** One question at a time for each host, however many calls wait for the answer. */
  #ask(key: string, url: URL, reach: Reach): Promise<Vetted> {
    const asking = this.#asking.get(key);
    if (asking !== undefined) return asking;
    const asked = this.#examine(url, reach)
      .then((addresses) => {
        const vetted = { addresses, atMs: this.clock.monotonicMs() };
        this.#vetted.set(key, vetted);
        return vetted;
      })
      .catch((error: unknown) => {
        if (hasCode(error, 'destination_refused')) this.#vetted.delete(key);
        throw error;
      })
      .finally(() => this.#asking.delete(key));
    this.#asking.set(key, asked);
    return asked;
  }

  async #examine(url: URL, reach: Reach): Promise<readonly string[]> {
    const port = this.#portOf(url, reach);
    if (this.own.isPublicName(url)) throw refused(url, 'it is this broker');
    const host = parseHost(url.hostname);
    if (host.kind === 'name' && !reach.internal) {
      if (!host.host.includes('.') || LOCAL_NAMES.test(host.host)) {
        throw refused(url, 'the name is one of a local network, and the tool is not internal');
      }
    }
    const addresses = host.kind === 'name' ? await this.#resolved(host) : [host.host];
    for (const address of addresses) {
      if (!isAllowedAddress(address, reach)) throw refused(url, 'it has an address that tools may not reach');
      if (this.own.has(canonicalAddress(address), port, reach)) throw refused(url, 'it is this machine');
    }
    return addresses.map(canonicalAddress);
  }

  #portOf(url: URL, { internal }: Reach): number {
    if (url.protocol !== 'https:' && !(internal && url.protocol === 'http:')) {
      throw refused(url, 'only https is called, and plain http for internal tools');
    }
    const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
    if (port === 0 || (!internal && !this.#allowedPorts.has(port))) {
      throw refused(url, 'the port is not one of gateway.allowedPorts');
    }
    return port;
  }

  async #resolved({ host }: ParsedHost): Promise<readonly string[]> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error('no answer in time')), RESOLVE_MS);
    });
    try {
      const found = await Promise.race([this.resolver.resolve(host), late]);
      if (found.length === 0 || found.length > MOST_ADDRESSES) throw new Error('no or too many addresses');
      return found;
    } catch (error) {
      throw new BrokerError('destination_unresolvable', { detail: `${host} does not resolve`, cause: error });
    } finally {
      clearTimeout(timer);
    }
  }
}

function refused(url: URL, why: string): BrokerError {
  return new BrokerError('destination_refused', { detail: `${url.host} may not be called: ${why}` });
}
