import ipaddr from 'ipaddr.js';
import type { SettingsValues } from '../../settings/schema.js';
import type { EgressRecord } from './egress-record.js';

type Network = readonly [ipaddr.IPv4 | ipaddr.IPv6, number];

/** Tells what the gateway itself sent from what others did. */
export class OwnIdentity {
  readonly #networks: readonly Network[];
  readonly #serviceAccounts: ReadonlySet<string>;
  readonly #users: ReadonlySet<string>;

  constructor(identities: SettingsValues['gateway']['egressIdentities']) {
    this.#networks = identities.addresses.map((text) => {
      if (text.includes('/')) return ipaddr.parseCIDR(text);
      const address = ipaddr.process(text);
      return [address, address.kind() === 'ipv4' ? 32 : 128];
    });
    this.#serviceAccounts = new Set(identities.serviceAccounts);
    this.#users = new Set(identities.users);
  }

  /**
   * Whether a record is one of ours. The most telling name that both the log and the settings have decides alone:
   * behind a shared address there are others besides us.
   */
  owns({ serviceAccount, user, source }: EgressRecord): boolean {
    if (serviceAccount !== undefined && this.#serviceAccounts.size > 0)
      return this.#serviceAccounts.has(serviceAccount);
    if (user !== undefined && this.#users.size > 0) return this.#users.has(user);
    if (source === undefined) return false;
    const address = ipaddr.process(source);
    return this.#networks.some(
      ([network, bits]) => network.kind() === address.kind() && address.match(network, bits),
    );
  }
}
