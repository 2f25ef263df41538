import { lookup } from 'node:dns/promises';

/**
 * Turns names into addresses. Fails by throwing whatever it likes when there is none; the caller knows no more than
 * that the name does not resolve.
 */
export abstract class Resolver {
  /** Every address of a name, in the order in which they should be tried. */
  abstract resolve(name: string): Promise<readonly string[]>;
}

/** The system's resolver: `/etc/hosts` and the configured servers, as every other program here sees them. */
export class SystemResolver extends Resolver {
  async resolve(name: string): Promise<readonly string[]> {
    const found = await lookup(name, { all: true, verbatim: true });
    return found.map(({ address }) => address);
  }
}
