import { lookup as systemLookup, type LookupAddress } from 'node:dns';
import type { LookupFunction } from 'node:net';
import ipaddr from 'ipaddr.js';

/** Whether an address is on the public internet: no loopback, private, link-local, mapped or translated range. */
export function isPublicAddress(address: string): boolean {
  try {
    return ipaddr.process(address).range() === 'unicast';
  } catch {
    return false;
  }
}

type ResolveAll = (
  hostname: string,
  options: { all: true; family?: number },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** An error whose message names the host and no address, so that a refusal does not map the network. */
export class AddressRefusedError extends Error {
  constructor(hostname: string) {
    super(`${hostname} has no public address`);
    this.name = 'AddressRefusedError';
  }
}

/**
 * A lookup for sockets that only yields public addresses. The socket connects to what is answered here, so a name
 * that resolves to something else a moment later gains nothing.
 */
export function vettedLookup(resolve: ResolveAll = systemLookup): LookupFunction {
  return (hostname, options, callback) => {
    const family = options.family === 4 || options.family === 6 ? { family: options.family } : {};
    resolve(hostname, { all: true, ...family }, (error, addresses) => {
      if (error !== null) return callback(error, '');
      const vetted = addresses.filter((entry) => isPublicAddress(entry.address));
      const [first] = vetted;
      if (first === undefined) return callback(new AddressRefusedError(hostname), '');
      if (options.all === true) return callback(null, vetted);
      return callback(null, first.address, first.family);
    });
  };
}
