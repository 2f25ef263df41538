import { isIP } from 'node:net';
import { byPorts, heading, type PolicyInput } from './policy-input.js';

/** A fragment of squid.conf: managed hosts for brokers alone. */
export function squidPolicy(input: PolicyInput): string {
  const notes = [
    'Include it in squid.conf before every other http_access line.',
    'A proxy sees only what goes through it: let nothing out of the network beside it.',
    'Whoever names an address instead of a host is refused, whatever the address; brokers are not.',
    ...(input.brokerAddresses.length === 0
      ? ['gateway.egressIdentities.addresses is empty: nobody may reach managed hosts, brokers neither.']
      : []),
  ];
  return `${heading('squid', input, notes)}${input.hosts.length === 0 ? '' : `${rules(input).join('\n')}\n`}`;
}

function rules({ hosts, brokerAddresses }: PolicyInput): string[] {
  const brokers = brokerAddresses.length > 0;
  const lines = brokers ? brokerAddresses.map((address) => `acl leasegate_brokers src ${address}`) : [];
  const allows: string[] = [];
  const denies: string[] = [];
  byPorts(hosts).forEach(([ports, of], index) => {
    const at = `leasegate_${index + 1}`;
    for (const kind of ['dstdomain', 'dst'] as const) {
      const these = of.filter(({ host }) => (isIP(host) === 0) === (kind === 'dstdomain'));
      if (these.length === 0) continue;
      const name = `${at}_${kind === 'dst' ? 'addresses' : 'names'}`;
      lines.push(
        ...these.map(({ host }) => `acl ${name} ${kind === 'dst' ? 'dst' : 'dstdomain -n'} ${host}`),
      );
      if (brokers) allows.push(`http_access allow leasegate_brokers ${name} ${at}_ports`);
      denies.push(`http_access deny ${name}`);
    }
    lines.push(`acl ${at}_ports port ${ports.join(' ')}`);
  });
  // Whoever names an address instead of the host would pass the rules about names.
  lines.push('acl leasegate_literal dstdom_regex -n ^([0-9.]+|\\[?[0-9a-fA-F:]*:[0-9a-fA-F:.]*\\]?)$');
  return [
    ...lines,
    ...allows,
    ...denies,
    `http_access deny leasegate_literal${brokers ? ' !leasegate_brokers' : ''}`,
  ];
}
