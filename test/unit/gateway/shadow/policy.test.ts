import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { describe, expect, it } from 'vitest';
import type { ManagedHost } from '../../../../src/gateway/shadow/managed-hosts.js';
import {
  POLICY_KINDS,
  POLICY_WRITERS,
  type PolicyKind,
} from '../../../../src/gateway/shadow/policy/egress-policy.js';
import type { PolicyInput } from '../../../../src/gateway/shadow/policy/policy-input.js';

const HOSTS: readonly ManagedHost[] = [
  { host: '10.1.2.3', ports: [8080], internal: true, tools: ['inventory'] },
  { host: '2001:db8::5', ports: [443], internal: true, tools: ['inventory-six'] },
  { host: 'api.example.com', ports: [443], internal: false, tools: ['a', 'b', 'c', 'd', 'e', 'f'] },
  { host: 'files.example.com', ports: [443, 8443], internal: false, tools: ['files'] },
  { host: 'ledger.internal.example', ports: [443], internal: true, tools: ['ledger'] },
];
const FULL: PolicyInput = {
  hosts: HOSTS,
  brokerPort: 8480,
  brokerAddresses: ['10.0.0.0/24', '2001:db8:1::/64'],
  namespace: 'leasegate',
  workersNamespace: 'jobs',
};
const EMPTY: PolicyInput = { ...FULL, hosts: [], brokerAddresses: [] };
const inputs: readonly (readonly [string, PolicyInput])[] = [
  ['full', FULL],
  ['empty', EMPTY],
  ['no-addresses', { ...FULL, brokerAddresses: [] }],
];
const cases = POLICY_KINDS.flatMap((kind) => inputs.map(([name, input]) => [kind, name, input] as const));

describe('policies', () => {
  it.each(cases)('for %s, %s, are as they were', async (kind, name, input) => {
    const text = POLICY_WRITERS[kind](input);
    await expect(text).toMatchFileSnapshot(join(import.meta.dirname, 'golden', `${kind}-${name}.txt`));
    expect(POLICY_WRITERS[kind](structuredClone(input))).toBe(text);
  });

  it.each(POLICY_KINDS)('for %s name every host', (kind) => {
    const text = POLICY_WRITERS[kind](FULL);
    for (const { host } of HOSTS) expect(text).toContain(host);
  });
});

describe('what reads them can read them', () => {
  it.each(inputs)('Kubernetes: %s', (_, input) => {
    for (const document of documents('kubernetes', input)) {
      expect(document).toMatchObject({
        apiVersion: 'networking.k8s.io/v1',
        kind: 'NetworkPolicy',
        spec: { policyTypes: ['Egress'] },
      });
      for (const { to, ports } of document.spec.egress) {
        expect(to.length).toBeGreaterThan(0);
        for (const { port, protocol } of ports) {
          expect(Number.isInteger(port)).toBe(true);
          expect(['TCP', 'UDP']).toContain(protocol);
        }
        for (const peer of to)
          expect(
            Object.keys(peer).every((key) => ['ipBlock', 'namespaceSelector', 'podSelector'].includes(key)),
          ).toBe(true);
      }
    }
  });

  it.each(inputs)('Cilium: %s', (_, input) => {
    for (const document of documents('cilium', input)) {
      expect(document).toMatchObject({ apiVersion: 'cilium.io/v2', kind: 'CiliumNetworkPolicy' });
      for (const rule of document.spec.egress) {
        // A rule with two kinds of destinations is refused by Cilium.
        expect(Object.keys(rule).filter((key) => key !== 'toPorts')).toHaveLength(1);
        expect(rule).toHaveProperty('toPorts');
      }
    }
  });

  it.each(inputs)('Squid: %s', (_, input) => {
    const known = new Set<string>();
    const used = new Set<string>();
    for (const line of code(POLICY_WRITERS.squid(input))) {
      const [directive, first = '', ...rest] = line.split(' ');
      if (directive === 'acl') {
        expect(['src', 'dst', 'dstdomain', 'dstdom_regex', 'port']).toContain(rest[0]);
        expect(rest.length).toBeGreaterThan(1);
        known.add(first);
        continue;
      }
      expect([directive, first]).toEqual(['http_access', expect.stringMatching(/^(allow|deny)$/)]);
      for (const name of rest) {
        expect(known).toContain(name.replace(/^!/, ''));
        used.add(name.replace(/^!/, ''));
      }
    }
    expect([...known].filter((name) => !used.has(name))).toEqual(
      input.brokerAddresses.length > 0 || input.hosts.length === 0
        ? []
        : [...known].filter((name) => name.endsWith('_ports')),
    );
  });

  it.each(inputs)('nftables: %s', (_, input) => {
    const lines = code(POLICY_WRITERS.nftables(input)).map((line) => line.trim());
    let depth = 0;
    const sets = new Set<string>();
    for (const line of lines) {
      expect(line).toMatch(NFT_LINE);
      depth += (line.match(/\{/g) ?? []).length - (line.match(/\}/g) ?? []).length;
      expect(depth).toBeGreaterThanOrEqual(0);
      const set = /^set (\w+) \{$/.exec(line)?.[1];
      if (set !== undefined) sets.add(set);
      for (const [, name = ''] of line.matchAll(/@(\w+)/g)) expect(sets).toContain(name);
    }
    expect(depth).toBe(0);
  });
});

/** Every kind of line that nft(8) takes and that we write. */
const NFT_LINE = new RegExp(
  [
    'table inet leasegate( \\{)?',
    'delete table inet leasegate',
    'set \\w+ \\{',
    'type ipv[46]_addr',
    'flags (interval|timeout)',
    'timeout \\d+h',
    'elements = \\{ [0-9a-f.:/, ]+ \\}',
    'chain \\w+ \\{',
    'ip6? saddr @\\w+ tcp dport \\{ [0-9, ]+ \\} accept',
    'ip6? daddr @\\w+ counter log prefix "[a-z -]+" reject with icmpx admin-prohibited',
    'type filter hook (forward|output) priority filter; policy accept;',
    'jump managed',
    '\\}',
  ]
    .map((line) => `^${line}$`)
    .join('|'),
);

interface Document {
  readonly spec: {
    readonly egress: readonly {
      readonly to: readonly object[];
      readonly ports: readonly { port: number; protocol: string }[];
    }[];
  };
}

function documents(kind: PolicyKind, input: PolicyInput): Document[] {
  const parsed = parseAllDocuments(POLICY_WRITERS[kind](input));
  expect(parsed).toHaveLength(2);
  return parsed.map((document) => {
    if ('errors' in document) expect(document.errors).toEqual([]);
    return document.toJS() as Document;
  });
}

function code(text: string): string[] {
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
}
