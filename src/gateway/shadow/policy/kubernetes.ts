import { isIP } from 'node:net';
import { stringify } from 'yaml';
import { heading, type PolicyInput } from './policy-input.js';

/** Ranges that public hosts are never in (RFC 6890 and its updates). */
const NOT_PUBLIC_V4 = [
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.168.0.0/16',
];
const NOT_PUBLIC_V6 = ['::1/128', 'fc00::/7', 'fe80::/10'];

/** Labels of the broker's pods and of workers, which the policies select. */
export const BROKER_LABELS = { 'app.kubernetes.io/name': 'leasegate' };
export const WORKER_LABELS = { 'leasegate.dev/worker': 'true' };

const DNS = {
  to: [
    {
      namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
      podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
    },
  ],
  ports: [
    { protocol: 'UDP', port: 53 },
    { protocol: 'TCP', port: 53 },
  ],
};

/** Kubernetes NetworkPolicies (networking.k8s.io/v1): brokers may reach the internet, workers only brokers. */
export function kubernetesPolicy(input: PolicyInput): string {
  const unnamed = input.hosts.filter(({ host, internal }) => internal && isIP(host) === 0);
  const notes = [
    'Policies add up: allow PostgreSQL, Vault and the issuers for brokers in one of your own.',
    'NetworkPolicy knows no names, so brokers may reach every public address on these ports; Cilium can do better.',
    ...unnamed.map(({ host }) => `Internal host without a fixed address, to be allowed by hand: ${host}`),
  ];
  const documents = [brokers(input), workers(input)].map((document) => stringify(document, { lineWidth: 0 }));
  return `${heading('kubernetes', input, notes)}${documents.join('---\n')}`;
}

function brokers({ hosts, namespace }: PolicyInput): object {
  const publicPorts = [...new Set(hosts.filter(({ internal }) => !internal).flatMap(({ ports }) => ports))];
  const internet = {
    to: [
      { ipBlock: { cidr: '0.0.0.0/0', except: NOT_PUBLIC_V4 } },
      { ipBlock: { cidr: '::/0', except: NOT_PUBLIC_V6 } },
    ],
    ports: publicPorts.sort((a, b) => a - b).map((port) => ({ protocol: 'TCP', port })),
  };
  const fixed = hosts
    .filter(({ host, internal }) => internal && isIP(host) !== 0)
    .map(({ host, ports }) => ({
      to: [{ ipBlock: { cidr: `${host}/${isIP(host) === 4 ? 32 : 128}` } }],
      ports: ports.map((port) => ({ protocol: 'TCP', port })),
    }));
  return policy('leasegate-brokers-egress', namespace, BROKER_LABELS, [
    DNS,
    ...(publicPorts.length === 0 ? [] : [internet]),
    ...fixed,
  ]);
}

function workers({ namespace, workersNamespace, brokerPort }: PolicyInput): object {
  return policy('leasegate-workers-egress', workersNamespace, WORKER_LABELS, [
    DNS,
    {
      to: [
        {
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
          podSelector: { matchLabels: BROKER_LABELS },
        },
      ],
      ports: [{ protocol: 'TCP', port: brokerPort }],
    },
  ]);
}

function policy(name: string, namespace: string, labels: object, egress: readonly object[]): object {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name, namespace },
    spec: {
      podSelector: { matchLabels: { ...labels } },
      policyTypes: ['Egress'],
      egress: structuredClone(egress),
    },
  };
}
