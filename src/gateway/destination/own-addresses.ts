import { networkInterfaces } from 'node:os';
import { isIP } from 'node:net';
import { Injectable } from '@nestjs/common';
import { Settings } from '../../settings/schema.js';
import { canonicalAddress } from './address.js';

/**
 * Where this broker itself can be reached. A call that came back to us would arrive from inside, with whatever an
 * upstream is trusted with.
 */
@Injectable()
export class OwnAddresses {
  readonly #port: number;
  readonly #publicHost: string;

  constructor(settings: Settings) {
    this.#port = settings.values.server.port;
    this.#publicHost = new URL(settings.values.server.publicUrl).host;
  }

  /** Whether a URL's host and port are the ones that workers reach us by. */
  isPublicName(url: URL): boolean {
    return url.host === this.#publicHost;
  }

  /**
   * Whether connecting there would reach this process: any address of this machine for the outside world, and for
   * internal tools, which may talk to neighbours on the same machine, our own port there.
   */
  has(address: string, port: number, reach: { readonly internal: boolean }): boolean {
    if (reach.internal && port !== this.#port) return false;
    return isLoopback(address) || this.#ofThisMachine().has(address);
  }

  #ofThisMachine(): ReadonlySet<string> {
    const own = new Set<string>();
    for (const entries of Object.values(networkInterfaces())) {
      for (const { address } of entries ?? []) {
        const plain = address.replace(/%.*$/, '');
        if (isIP(plain) !== 0) own.add(canonicalAddress(plain));
      }
    }
    return own;
  }
}

function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.');
}
