import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { heading, type PolicyInput } from './policy-input.js';

/** How long an address stays managed after dnsmasq last gave it out. */
const REMEMBERED = '1h';

/**
 * A table for nft (nftables(8)) for a router or a node: managed hosts for brokers alone. Names are not known there, so
 * dnsmasq fills the sets when it answers; its part of the configuration is at the end, as comments.
 */
export function nftablesPolicy(input: PolicyInput): string {
  const notes = [
    'Load with `nft -f FILE`, and let dnsmasq (2.87 or later) be the only resolver: its lines are at the end.',
    ...(input.brokerAddresses.length === 0
      ? ['gateway.egressIdentities.addresses is empty: nobody may reach managed hosts, brokers neither.']
      : []),
  ];
  const { hosts, brokerAddresses } = input;
  const fixed = hosts.filter(({ host }) => isIP(host) !== 0).map(({ host }) => host);
  const brokers = (family: 4 | 6): string[] =>
    brokerAddresses.filter((address) => familyOf(address) === family);
  const addresses = (family: 4 | 6): string[] => fixed.filter((address) => isIP(address) === family);
  const ports = [...new Set(hosts.flatMap((each) => each.ports))].sort((a, b) => a - b);
  const lines = [
    '# An empty table first, so that the next line has one to delete.',
    'table inet leasegate',
    'delete table inet leasegate',
    'table inet leasegate {',
    ...([4, 6] as const).flatMap((family) => [
      ...set(`brokers${family}`, family, 'interval', brokers(family)),
      ...set(`named${family}`, family, 'timeout', []),
      ...set(`fixed${family}`, family, undefined, addresses(family)),
    ]),
    '  chain managed {',
    ...([4, 6] as const).flatMap((family) => {
      const ip = family === 4 ? 'ip' : 'ip6';
      const allow = ports.length === 0 ? '' : ` tcp dport { ${ports.join(', ')} }`;
      return [
        ...(allow === '' ? [] : [`    ${ip} saddr @brokers${family}${allow} accept`]),
        ...['named', 'fixed'].map(
          (name) =>
            `    ${ip} daddr @${name}${family} counter log prefix "leasegate-shadow " reject with icmpx admin-prohibited`,
        ),
      ];
    }),
    '  }',
    ...['forward', 'output'].flatMap((hook) => [
      `  chain ${hook} {`,
      `    type filter hook ${hook} priority filter; policy accept;`,
      '    jump managed',
      '  }',
    ]),
    '}',
  ];
  const resolver = hosts
    .filter(({ host }) => isIP(host) === 0)
    .map(({ host }) => `# nftset=/${host}/4#inet#leasegate#named4,6#inet#leasegate#named6`);
  const tail = resolver.length === 0 ? [] : ['# For dnsmasq.conf:', ...resolver];
  return `${heading('nftables', input, notes)}${[...lines, ...tail].join('\n')}\n`;
}

function set(name: string, family: 4 | 6, flag: string | undefined, elements: readonly string[]): string[] {
  return [
    `  set ${name} {`,
    `    type ipv${family}_addr`,
    ...(flag === undefined ? [] : [`    flags ${flag}`]),
    ...(flag === 'timeout' ? [`    timeout ${REMEMBERED}`] : []),
    ...(elements.length === 0 ? [] : [`    elements = { ${elements.join(', ')} }`]),
    '  }',
  ];
}

function familyOf(address: string): 4 | 6 {
  const [plain = address] = address.split('/');
  return ipaddr.parse(plain).kind() === 'ipv4' ? 4 : 6;
}
