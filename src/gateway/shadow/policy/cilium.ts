import { isIP } from 'node:net';
import { stringify } from 'yaml';
import { BROKER_LABELS, WORKER_LABELS } from './kubernetes.js';
import { byPorts, heading, type PolicyInput } from './policy-input.js';

/** Questions for names have to pass Cilium's DNS proxy, or it knows no names. */
const DNS = {
  toEndpoints: [
    { matchLabels: { 'k8s:io.kubernetes.pod.namespace': 'kube-system', 'k8s:k8s-app': 'kube-dns' } },
  ],
  toPorts: [{ ports: [{ port: '53', protocol: 'ANY' }], rules: { dns: [{ matchPattern: '*' }] } }],
};

/** Cilium policies (cilium.io/v2): brokers may reach managed hosts by name, workers only brokers. */
export function ciliumPolicy(input: PolicyInput): string {
  const notes = ['Policies add up: allow PostgreSQL, Vault and the issuers for brokers in one of your own.'];
  const documents = [brokers(input), workers(input)].map((document) => stringify(document, { lineWidth: 0 }));
  return `${heading('cilium', input, notes)}${documents.join('---\n')}`;
}

function brokers({ hosts, namespace }: PolicyInput): object {
  const named = byPorts(hosts.filter(({ host }) => isIP(host) === 0)).map(([ports, of]) => ({
    toFQDNs: of.map(({ host }) => ({ matchName: host })),
    toPorts: portsOf(ports),
  }));
  const fixed = byPorts(hosts.filter(({ host }) => isIP(host) !== 0)).map(([ports, of]) => ({
    toCIDR: of.map(({ host }) => `${host}/${isIP(host) === 4 ? 32 : 128}`),
    toPorts: portsOf(ports),
  }));
  return policy('leasegate-brokers-egress', namespace, BROKER_LABELS, [DNS, ...named, ...fixed]);
}

function workers({ namespace, workersNamespace, brokerPort }: PolicyInput): object {
  const broker = {
    toEndpoints: [
      { matchLabels: { 'k8s:io.kubernetes.pod.namespace': namespace, ...prefixed(BROKER_LABELS) } },
    ],
    toPorts: portsOf([brokerPort]),
  };
  return policy('leasegate-workers-egress', workersNamespace, WORKER_LABELS, [DNS, broker]);
}

function policy(
  name: string,
  namespace: string,
  labels: Readonly<Record<string, string>>,
  egress: readonly object[],
): object {
  return {
    apiVersion: 'cilium.io/v2',
    kind: 'CiliumNetworkPolicy',
    metadata: { name, namespace },
    spec: { endpointSelector: { matchLabels: prefixed(labels) }, egress: structuredClone(egress) },
  };
}

function prefixed(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([name, value]) => [`k8s:${name}`, value]));
}

function portsOf(ports: readonly number[]): object[] {
  return [{ ports: ports.map((port) => ({ port: String(port), protocol: 'TCP' })) }];
}
